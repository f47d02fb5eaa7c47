/**
 * Ends servers whose keeper was killed: they go on without it, and the next keeper would find their ports and files in
 * use. They are known by the folder they work in, which only this tool's servers have.
 */
import { readdirSync, readlinkSync } from 'node:fs';

export function endLeftovers(folder: string): number[] {
  const ended: number[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name) || !worksIn(name, folder)) continue;
    try {
      process.kill(Number(name), 'SIGKILL');
      ended.push(Number(name));
    } catch {
      // it has just ended by itself
    }
  }
  return ended;
}

function worksIn(pid: string, folder: string): boolean {
  try {
    const cwd = readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '');
    return cwd === folder || cwd.startsWith(`${folder}/`);
  } catch {
    return false; // ended, or somebody else's
  }
}
