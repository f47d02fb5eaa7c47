/** The worker's executable as a real process, with plugins that work on a folder. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import type { StatusEvent, WorkerBootstrap } from '@splitrock/core/plugin';
import { workerMainUrl } from '../src/worker-main-url.ts';
import type { ScriptedOffer } from './scripted-backend.ts';

const moduleUrl = (name: string): string => new URL(name, import.meta.url).href;

export function bootstrapFor(directory: string, more: Partial<WorkerBootstrap> = {}): WorkerBootstrap {
  return {
    version: 1,
    workerId: 'w1',
    tenant: 'test',
    backend: { module: moduleUrl('./scripted-backend.ts'), name: 'scripted', options: { directory } },
    storage: {
      module: moduleUrl('./directory-storage.ts'),
      name: 'directory',
      options: { directory: join(directory, 'storage') },
    },
    monitoring: { module: moduleUrl('./file-monitoring.ts'), name: 'file', options: { directory } },
    slots: { workerProcesses: 1, callsPerProcess: 1, kind: 'process' },
    logLevel: 'info',
    ...more,
  };
}

export class WorkerProgram {
  readonly child: ChildProcess;
  readonly #directory: string;
  #output = '';

  /** `bootstrap` goes through descriptor 3 as it is. */
  constructor(directory: string, bootstrap: string | WorkerBootstrap, offers: readonly ScriptedOffer[] = []) {
    this.#directory = directory;
    writeFileSync(join(directory, 'offers.json'), JSON.stringify(offers));
    this.child = spawn(process.execPath, [workerMainUrl.pathname, '--bootstrap', 'fd:3'], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: directory },
    });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    (this.child.stdio[3] as Writable).end(typeof bootstrap === 'string' ? bootstrap : JSON.stringify(bootstrap));
  }

  /** What it wrote to stdout and stderr. */
  get output(): string {
    return this.#output;
  }

  async exited(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close');
    return this.child.exitCode;
  }

  events(): StatusEvent[] {
    return this.#lines('events').map((line) => JSON.parse(line) as StatusEvent);
  }

  answers(): string[] {
    return this.#lines('answers');
  }

  #lines(name: string): string[] {
    const path = join(this.#directory, name);
    return existsSync(path)
      ? readFileSync(path, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
      : [];
  }
}

/** Whether a process runs; a zombie, which nobody has waited for, does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
