/** The processes of a pod, as this machine sees them: containers of its nodes are processes of its own. */
import { readFileSync, readdirSync } from 'node:fs';

export interface PodProcess {
  /** On this machine. */
  readonly pid: number;
  /** In its container; the first process is 1. */
  readonly pidInContainer: number;
  readonly command: readonly string[];
}

/** @param uid - The pod's, `metadata.uid`. */
export function podProcesses(uid: string): readonly PodProcess[] {
  // Groups are named after the pod; systemd wants no dashes in a name.
  const marks = [`pod${uid}`, `pod${uid.replaceAll('-', '_')}`];
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((pid) => {
      const groups = read(pid, 'cgroup');
      const ids = /^NSpid:\s*(.*)$/m.exec(read(pid, 'status'))?.[1]?.split(/\s+/) ?? [];
      if (ids.length < 2 || !marks.some((mark) => groups.includes(mark))) return [];
      const command = read(pid, 'cmdline').split('\0').filter(Boolean);
      return [{ pid: Number(pid), pidInContainer: Number(ids.at(-1)), command }];
    });
}

/** Empty when the process has just ended. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
