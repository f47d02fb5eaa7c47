/** A pool of worker processes on this machine, started as pods are: with a bootstrap, by the worker's own main. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PoolDemand, WorkerPool, WorkerPoolListener } from '@splitrock/k8s-common';
import type { CleanResult, SlotOptions, StopOptions, WorkerBootstrap } from '@splitrock/core/plugin';
import { removeWorkerDirectory, workerMainUrl } from '@splitrock/worker';

/** Every worker of every pool in this process, for tests that break them. */
export const localWorkers = new Map<string, { readonly child: ChildProcess; readonly executorId: string }>();

/** Ends a worker, with everything in it or in order. */
export function signalWorker(workerId: string, signal: NodeJS.Signals): void {
  localWorkers.get(workerId)?.child.kill(signal);
}

export interface LocalPoolSetup {
  readonly executorId: string;
  readonly workers: number;
  readonly slots: SlotOptions;
  readonly bootstrap: Omit<WorkerBootstrap, 'workerId' | 'slots' | 'version' | 'logLevel'>;
  readonly logLevel: WorkerBootstrap['logLevel'];
}

export class LocalWorkerPool implements WorkerPool {
  readonly #setup: LocalPoolSetup;
  readonly #workers = new Map<string, ChildProcess>();
  readonly #ends = new Set<Promise<void>>();
  #listener: WorkerPoolListener | undefined;
  #wanted = 0;
  #stopped = false;

  constructor(setup: LocalPoolSetup) {
    this.#setup = setup;
  }

  get maxSlots(): number {
    return this.#setup.workers * this.#slotsPerWorker;
  }

  async start(listener: WorkerPoolListener): Promise<void> {
    this.#listener = listener;
  }

  ensure(demand: PoolDemand): void {
    this.#wanted = Math.min(this.#setup.workers, Math.ceil(demand.slots / this.#slotsPerWorker));
    this.#grow();
  }

  async stop({ graceMs = 0 }: StopOptions = {}): Promise<void> {
    this.#stopped = true;
    for (const child of this.#workers.values()) {
      child.kill('SIGTERM');
      // The second one ends the grace.
      const impatience = setTimeout(() => child.kill('SIGTERM'), graceMs);
      const despair = setTimeout(() => child.kill('SIGKILL'), graceMs + 10_000);
      child.once('exit', () => {
        clearTimeout(impatience);
        clearTimeout(despair);
      });
    }
    await Promise.all(this.#ends);
  }

  async clean(): Promise<CleanResult> {
    return { removed: {} };
  }

  get #slotsPerWorker(): number {
    return this.#setup.slots.workerProcesses * this.#setup.slots.callsPerProcess;
  }

  #grow(): void {
    while (!this.#stopped && this.#workers.size < this.#wanted) this.#spawn();
  }

  #spawn(): void {
    const { executorId, bootstrap, slots, logLevel } = this.#setup;
    const workerId = `local-${randomBytes(5).toString('hex')}`;
    const child = spawn(
      process.execPath,
      ['--conditions=@splitrock/source', fileURLToPath(workerMainUrl), '--bootstrap', 'fd:3'],
      { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] },
    );
    const pipe = child.stdio[3] as NodeJS.WritableStream;
    pipe.on('error', () => undefined);
    pipe.end(JSON.stringify({ version: 1, workerId, slots, logLevel, ...bootstrap }));
    this.#workers.set(workerId, child);
    localWorkers.set(workerId, { child, executorId });
    const end = this.#ended(workerId, child).finally(() => this.#ends.delete(end));
    this.#ends.add(end);
  }

  async #ended(workerId: string, child: ChildProcess): Promise<void> {
    const [exitCode, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    this.#workers.delete(workerId);
    localWorkers.delete(workerId);
    if (exitCode === 0) this.#listener?.workerChanged({ workerId, change: 'stopped' });
    else {
      const message = `worker process ${child.pid} ended with ${signal ?? exitCode}`;
      this.#listener?.workerChanged({ workerId, change: 'lost', reason: { kind: 'crash', message, workerId } });
    }
    await removeWorkerDirectory(child.pid as number);
    if (exitCode !== 0) this.#grow();
  }
}
