/**
 * Runs a benchmark on the built packages: `npm run bench -- local` runs `local.bench.ts`. Without a name, says which there
 * are. What follows the name goes to the benchmark.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const names = readdirSync(folder).flatMap((file) => /^(.+)\.bench\.ts$/.exec(file)?.slice(1) ?? []);
const [name, ...rest] = process.argv.slice(2);
if (!names.includes(name)) {
  console.error(`Usage: npm run bench -- NAME\nBenchmarks: ${names.join(', ')}`);
  process.exit(2);
}
const run = (command, args) => {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};
run('nx', ['run-many', '-t', 'build', '--output-style=static']);
run('node', [`${folder}${name}.bench.ts`, ...rest]);
