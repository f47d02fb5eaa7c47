import { globSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// nx forces colours even where the user wants none; with both set, every Node process that a test starts warns of it.
delete process.env['FORCE_COLOR'];

/** Where CI wants one machine-readable report per package; unset on a laptop. */
const reportDir = process.env['SPLITROCK_TEST_REPORTS'];
/** `packages-core`, `tools-setup`: the folder of the package under test, which npm makes the working directory. */
const projectName = `${basename(dirname(process.cwd()))}-${basename(process.cwd())}`;

/** Faults, suites in another surrounding, generated plugins: CI runs them all, and a laptop has better to do. */
const variants = globSync('{src,test}/**/*.{fault,variant}.test.ts');
const leavesOutVariants = variants.length > 0 && process.env['SPLITROCK_TEST_VARIANTS'] !== 'all';
if (leavesOutVariants) console.log(`left out without SPLITROCK_TEST_VARIANTS=all: ${variants.join(', ')}`);

/** Type tests are the compiler's work, which a package without any need not wait for. */
const typeTests = ['src/**/*.test-d.ts', 'test/**/*.test-d.ts'];

/**
 * Shared by every package (`vitest run --config ../../vitest.config.ts --root .`). Packages are tested from their
 * sources: the export condition `@splitrock/source` is set for vite here and, through NODE_OPTIONS, for every Node
 * process a test starts (Node 24 strips the types), so that no test ever runs against a stale build.
 */
export default defineConfig({
  ssr: { resolve: { conditions: ['@splitrock/source', 'node', 'development|production'] } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: leavesOutVariants ? variants : [],
    passWithNoTests: true,
    typecheck: {
      enabled: globSync(typeTests).length > 0,
      include: typeTests,
      tsconfig: './tsconfig.test.json',
      // The `typecheck` script reports those; here they would only blame a test for a half-written source.
      ignoreSourceErrors: true,
    },
    env: {
      NODE_OPTIONS: '--conditions=@splitrock/source',
      // Most of what a short process costs is stripping types from our sources; Node keeps the outcome, by content.
      NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/node-compile', import.meta.url)),
    },
    execArgv: ['--conditions=@splitrock/source'],
    coverage: { include: ['src/**/*.ts'], reporter: ['text', 'html'] },
    // Real servers and processes on a machine that others use too: what fails twice fails. Nobody gets used to it at home.
    retry: process.env['CI'] ? 1 : 0,
    pool: 'forks',
    // A package's files run one after the other in one process, which loads what they share once: a fifth less to do.
    isolate: false,
    testTimeout: 20_000,
    // Hooks start and stop servers, on machines that are busy with other tests.
    hookTimeout: 120_000,
    reporters: reportDir ? ['default', ['json', { outputFile: `${reportDir}/${projectName}.json` }]] : ['default'],
  },
});
