/** What follows once the files of a new plugin are written: linking it, and what is written from its schema. */
import { spawnSync } from 'node:child_process';
import type { GeneratedPlugin } from './generate-plugin.ts';

export function finishPlugin(root: string, { kind, name, folder }: GeneratedPlugin): void {
  run(root, 'npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  run(root, process.execPath, ['--conditions=@splitrock/source', 'tools/docs/reference.ts']);
  process.stdout.write(`
The ${kind} ${name} is begun in ${folder}. Next:

  cd ${folder} && npm test     the tests that fail say what is to be written
  npm run api                  writes the report of its public API
  npm run lint                 boundaries, formatting, lock file
`);
}

function run(cwd: string, command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}.`);
}
