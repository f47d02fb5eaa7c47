/**
 * Plugins of strangers: begun with the packed `create-splitrock-plugin`, installed as npm does it, built, and held to their
 * conformance run, which must end as declared. Each is an npm workspace of the consumer, whose tarballs they get.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conformanceOutcomes, declaredOutcomes } from '@splitrock/nx-plugin/conformance-outcomes';
import type { Problem } from '../problems.ts';
import { installPackages } from './consumer.ts';

const KINDS = ['backend', 'storage', 'monitoring'] as const;
const NAME = 'blue-tape';

/** Npm sets these for what runs in this repository; a stranger's shell has none of them. */
const strangersEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$|^NODE_ENV$|^VITEST/.test(name)),
  );

export function checkNewPlugins(folder: string): Problem[] {
  const plugins = join(folder, 'plugins');
  mkdirSync(plugins);
  for (const kind of KINDS) run('npx', ['--no-install', 'create-splitrock-plugin', kind, NAME], plugins, folder);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, workspaces: ['plugins/*'] }, null, 2));
  installPackages(folder);
  return KINDS.flatMap((kind) => checkNewPlugin(kind, join(plugins, `splitrock-${kind}-${NAME}`)));
}

function checkNewPlugin(kind: (typeof KINDS)[number], folder: string): Problem[] {
  const where = `a new ${kind}`;
  for (const script of ['typecheck', 'build']) {
    const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', script], {
      cwd: folder,
      env: strangersEnvironment(),
      encoding: 'utf8',
    });
    if (status !== 0) return [{ where, what: `npm run ${script} fails:\n${stdout}${stderr}` }];
  }
  const outcomes = conformanceOutcomes(folder, ['npx', '--no-install', 'vitest'], strangersEnvironment());
  const declared = readFileSync(declaredOutcomes(kind), 'utf8').trimEnd().split('\n');
  return [
    ...outcomes
      .filter((line) => !declared.includes(line))
      .map((line) => ({ where, what: `ends otherwise than declared: ${line}` })),
    ...declared
      .filter((line) => !outcomes.includes(line))
      .map((line) => ({ where, what: `does not end as declared: ${line}` })),
  ];
}

function run(command: string, args: readonly string[], cwd: string, packages: string): void {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...strangersEnvironment(), PATH: `${join(packages, 'node_modules/.bin')}:${process.env['PATH']}` },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${stdout}${stderr}`);
}
