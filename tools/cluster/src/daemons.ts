/**
 * The cluster's daemons. They outlive the command that starts them, so each leaves a file that names its process: its id
 * and when it began, without which an id may long be another's.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { logFile, pidFile } from './place.ts';
import { kill, startOf } from './processes.ts';

export interface DaemonCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

export async function startDaemon({ name, command, args }: DaemonCommand): Promise<void> {
  const log = openSync(logFile(name), 'a');
  const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log], cwd: '/' });
  closeSync(log);
  await once(child, 'spawn');
  child.unref();
  await writeFile(pidFile(name), `${child.pid ?? 0} ${startOf(child.pid ?? 0) ?? ''}`);
}

/** The id of a daemon that runs. */
export async function daemonPid(name: string): Promise<number | undefined> {
  const text = await readFile(pidFile(name), 'utf8').catch(() => '');
  const [pid = '', start = ''] = text.split(' ');
  return start !== '' && startOf(Number(pid)) === start ? Number(pid) : undefined;
}

/** Kills a daemon. Does nothing when it does not run. */
export async function killDaemon(name: string): Promise<void> {
  const pid = await daemonPid(name);
  if (pid !== undefined) await kill(pid);
  await rm(pidFile(name), { force: true });
}
