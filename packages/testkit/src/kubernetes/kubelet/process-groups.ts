/** The process groups of the pods, none of which may outlive this process, however it ends. */
import { spawn, type ChildProcess } from 'node:child_process';

/** Reads the groups that live, a line each time that they change, and kills the last ones when nobody writes any more. */
const REAPER = 'while read -r line; do left=$line; done; for group in $left; do kill -9 "-$group"; done';

const groups = new Set<number>();
let reaper: ChildProcess | undefined;

export function rememberGroup(pid: number): void {
  groups.add(pid);
  tellReaper();
}

/** Kills what is left of a group, whose first process has ended. */
export function endGroup(pid: number): void {
  killGroup(pid);
  groups.delete(pid);
  tellReaper();
}

export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone already, which is what was wanted.
  }
}

/** The reaper lives as long as any group does: even SIGKILL of this process closes its input. */
function tellReaper(): void {
  reaper ??= startReaper();
  reaper.stdin?.write(`${[...groups].join(' ')}\n`);
  if (groups.size > 0) return;
  reaper.stdin?.end();
  reaper = undefined;
}

function startReaper(): ChildProcess {
  // In a session of its own, so that what ends this process's group does not end it too.
  const child = spawn('/bin/sh', ['-c', REAPER], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  // Neither keeps this process alive; and one that cannot be told can only have ended.
  child.unref();
  if (child.stdin !== null && 'unref' in child.stdin) (child.stdin as unknown as { unref(): void }).unref();
  child.stdin?.on('error', () => undefined);
  child.on('error', () => undefined);
  return child;
}
