import { defineConfig } from 'vitest/config';

/** Where CI wants a machine-readable report. */
const reportDir = process.env['SPLITROCK_TEST_REPORTS'];

/** As the packages' own, but for what real pods take. Started by `run.ts`, which sets the conditions for sources. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@splitrock/source', 'node', 'development|production'] } },
  test: {
    include: ['*.e2e.test.ts'],
    env: { NODE_OPTIONS: '--conditions=@splitrock/source' },
    execArgv: ['--conditions=@splitrock/source'],
    pool: 'forks',
    // The suites share one cluster, and some of them break it.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A machine that others use too may be slow once; what fails again fails. The report tells what was tried again.
    retry: process.env['CI'] ? 1 : 0,
    reporters: reportDir ? ['default', ['json', { outputFile: `${reportDir}/e2e.json` }]] : ['default'],
  },
});
