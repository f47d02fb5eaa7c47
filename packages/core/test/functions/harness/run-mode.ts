/** Runs the suite in one mode: two processes, the user's program and a worker that cannot see the user's project. */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Verdict } from './client.ts';
import { makeProject, REPOSITORY, type Mode } from './modes.ts';

const run = promisify(execFile);

/** Against a program that hangs; a machine where much else runs takes minutes for what a quiet one does in twenty seconds. */
export const MODE_DEADLINE_MS = 500_000;

export interface RunOptions {
  readonly folder: string;
  readonly preload: string;
  readonly worker: string;
  /** The Node that runs both halves. */
  readonly node: string;
}

export async function runMode(mode: Mode, { folder, preload, worker, node }: RunOptions): Promise<Verdict[]> {
  const base = join(folder, mode.name.replaceAll(' ', '-'));
  const project = join(base, 'project');
  await mkdir(project, { recursive: true });
  await makeProject(project, mode);
  const args = await mode.prepare(project);
  const verdicts = join(base, 'verdicts.json');
  const settings = {
    worker: await blindCommand({ node, worker, folder: base, hidden: [REPOSITORY, project] }),
    requests: join(base, 'requests'),
    replies: join(base, 'replies'),
    verdicts,
    isBundled: mode.name.startsWith('bundled'),
  };
  const preloadUrl = pathToFileURL(preload).href;
  const isVitest = mode.name === 'vitest';
  await run(node, [...(isVitest ? [] : ['--import', preloadUrl]), ...args], {
    cwd: project,
    env: {
      PATH: process.env['PATH'],
      SHAPES_SETTINGS: JSON.stringify(settings),
      SHAPES_PRELOAD: preloadUrl,
      NODE_NO_WARNINGS: '1',
    },
    timeout: MODE_DEADLINE_MS,
  });
  return JSON.parse(await readFile(verdicts, 'utf8')) as Verdict[];
}

interface BlindOptions {
  readonly node: string;
  readonly worker: string;
  readonly folder: string;
  readonly hidden: readonly string[];
}

/**
 * A command that runs the worker where the hidden folders are empty: in a mount namespace of its own. Without the right
 * to make one, the worker still runs elsewhere, from a bundle of its own. In any case the code that is sent is searched for paths.
 */
async function blindCommand({ node, worker, folder, hidden }: BlindOptions): Promise<readonly [string, ...string[]]> {
  if (!(await canUnshare())) return [node, worker];
  const copies = join(folder, 'worker');
  await mkdir(copies, { recursive: true });
  // Both live in a folder that will be hidden.
  await copyFile(worker, join(copies, 'worker.mjs'));
  await copyFile(node, join(copies, 'node'), constants.COPYFILE_FICLONE);
  const mounts = hidden.map((path) => `mount -t tmpfs none '${path}'`).join(' && ');
  return [
    'unshare',
    '-m',
    'sh',
    '-c',
    `${mounts} && exec '${join(copies, 'node')}' '${join(copies, 'worker.mjs')}' "$@"`,
    'sh',
  ];
}

let unsharable: Promise<boolean> | undefined;

export function canUnshare(): Promise<boolean> {
  unsharable ??= run('unshare', ['-m', 'sh', '-c', `mount -t tmpfs none '${dirname(REPOSITORY)}'`]).then(
    () => true,
    () => false,
  );
  return unsharable;
}
