/**
 * How often the kernel's out-of-memory killer has struck in a process's memory cgroup, from cgroup v2's
 * `memory.events` or v1's `memory.oom_control`. Without readable counters it is never said to have struck.
 *
 * https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
 * https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

export class OomCounter {
  readonly #files: readonly string[];
  #seen: number;

  /** Looks at the cgroup that the process is in now. */
  constructor(pid: number | 'self') {
    this.#files = counterFiles(readText(`/proc/${pid}/cgroup`) ?? '');
    this.#seen = this.#count();
  }

  /** Whether the count has risen since this was last asked. */
  hasRisen(): boolean {
    const count = this.#count();
    const risen = count > this.#seen;
    this.#seen = count;
    return risen;
  }

  #count(): number {
    for (const file of this.#files) {
      const match = /^oom_kill ([0-9]+)$/m.exec(readText(file) ?? '');
      if (match !== null) return Number(match[1]);
    }
    return 0;
  }
}

/** Candidates, best first. In a container the path may be the host's; then its own cgroup is mounted at the root. */
export function counterFiles(procCgroup: string): string[] {
  const files: string[] = [];
  for (const line of procCgroup.split('\n')) {
    const match = /^[0-9]+:([^:]*):(.*)$/.exec(line);
    if (match === null) continue;
    const [, controllers = '', path = '/'] = match;
    if (controllers.split(',').includes('memory')) {
      files.unshift(join(ROOT, 'memory', path, 'memory.oom_control'), join(ROOT, 'memory', 'memory.oom_control'));
    } else if (controllers === '') {
      files.push(join(ROOT, path, 'memory.events'), join(ROOT, 'memory.events'));
    }
  }
  return files;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
