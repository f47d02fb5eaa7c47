/**
 * `npm run test:nodes [version…]`: runs the suites of shipped functions on other versions of Node, 22, 24 and 26 unless
 * told. They read V8's insides, which no version promises to keep.
 *
 * Each Node is an npm package, as the one in `node_modules` is, installed in a temporary folder. A version that npm has
 * not is told of and passed over, unless it was asked for.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './workspace.ts';

const DEFAULT_VERSIONS = ['22', '24', '26'];
const SUITES = ['test/functions/shapes.test.ts', 'test/functions/programs.test.ts'];

/** Installs one Node. @returns its program; `undefined` where npm has none for this machine. */
function installNode(version: string, folder: string): string | undefined {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const options = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--progress=false'];
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const { status } = spawnSync('npm', ['install', ...options, `${name}@${version}`], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  const program = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return status === 0 ? program : undefined;
}

/** Vitest itself runs on the Node of the repository; the programs that it starts run on this one. */
function runSuites(node: string): boolean {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', '--config', '../../vitest.config.ts', '--root', '.', ...SUITES],
    {
      cwd: join(ROOT, 'packages/core'),
      stdio: 'inherit',
      env: { ...process.env, SPLITROCK_TEST_NODE: node, SPLITROCK_TEST_VARIANTS: 'all' },
    },
  );
  return status === 0;
}

const asked = process.argv.slice(2);
const outcomes: string[] = [];
for (const version of asked.length === 0 ? DEFAULT_VERSIONS : asked) {
  const folder = mkdtempSync(join(tmpdir(), 'splitrock-node-'));
  try {
    const node = installNode(version, folder);
    const exact = node && spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
    if (node === undefined || exact === undefined) {
      outcomes.push(`Node ${version}: not to be had here`);
      if (asked.length > 0) process.exitCode = 1;
      continue;
    }
    console.log(`\nNode ${exact}`);
    const passed = runSuites(node);
    outcomes.push(`Node ${exact}: ${passed ? 'passed' : 'FAILED'}`);
    if (!passed) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
console.log(`\n${outcomes.join('\n')}`);
