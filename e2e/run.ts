/**
 * `npm run e2e [-- vitest's arguments]`: the suites on a real cluster, from set-up to clean-up.
 *
 * Where there can be no cluster it says why and does nothing; with `CI` set that is a failure.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { whyNoCluster } from '@splitrock/cluster';
import { withSurroundings, type Surroundings } from './src/set-up.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));

async function runSuites(surroundings: Surroundings, stop: AbortSignal): Promise<number> {
  const child = spawn(process.execPath, [VITEST, 'run', ...process.argv.slice(2)], {
    cwd: FOLDER,
    stdio: 'inherit',
    env: { ...process.env, SPLITROCK_E2E_SURROUNDINGS: JSON.stringify(surroundings) },
  });
  stop.addEventListener('abort', () => child.kill('SIGTERM'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

async function main(): Promise<number> {
  const reason = whyNoCluster();
  if (reason !== undefined) {
    console.error(`SKIPPED, no cluster for the end-to-end suites: ${reason}`);
    return process.env['CI'] ? 1 : 0;
  }
  // Whoever stops this process, a time limit for one, wants everything taken down all the same.
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  try {
    return await withSurroundings((surroundings) => runSuites(surroundings, stop.signal), stop.signal);
  } catch (error) {
    console.error(error);
    return 1;
  }
}

process.exitCode = await main();
