import { readFileSync } from 'node:fs';

/** Pages of Linux, in which `/proc/<pid>/statm` counts. */
const PAGE_BYTES = 4096;

/** Resident memory of a process from `/proc`; 0 where there is none, and then nothing but the heap has a limit. */
export function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
