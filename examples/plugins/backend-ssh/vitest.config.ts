import { defineConfig } from 'vitest/config';

/** Where whoever runs the tests wants a machine-readable report. */
const report = process.env['SSH_TEST_REPORT'];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Each file starts workers of its own, of which two at a time are enough for a small machine.
    maxWorkers: 2,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
});
