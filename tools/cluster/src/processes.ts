/** Processes by their id: whether one runs, and its end. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * When a process began, in the kernel's ticks since boot; `undefined` when it does not run. With it an id names one process
 * for ever. A zombie that nobody reaps, as happens where PID 1 is no init, still answers signals; it counts as gone.
 */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Kills a process and waits for its end. */
export async function kill(pid: number): Promise<void> {
  const start = startOf(pid);
  while (start !== undefined && startOf(pid) === start) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // ESRCH: it has just ended.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await pause(10);
  }
}

/** Ids of the processes whose arguments satisfy a condition. */
export function processesWith(condition: (args: readonly string[]) => boolean): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => condition(argumentsOf(pid)));
}

function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
