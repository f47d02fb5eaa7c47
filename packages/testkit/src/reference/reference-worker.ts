/** A worker process of the reference backend: how it is started, and how it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { BackendDeps, LossReason, WorkerBootstrap } from '@splitrock/core/plugin';
import { removeWorkerDirectory, workerMainUrl } from '@splitrock/worker';
import type { FromWorker, ToWorker } from './messages.ts';

const BOOTSTRAP_FD = 3;
/** What a worker gets to clean up after its calls have ended. */
const EXIT_MARGIN_MS = 2_000;

// #region worker
export class ReferenceWorker {
  readonly workerId: string;
  /** Resolves, once it is gone with its files, to why. */
  readonly ended: Promise<LossReason>;
  readonly #child: ChildProcess;

  constructor({ tenant, workerPlugins }: BackendDeps, workerProcesses: number, receive: (message: FromWorker) => void) {
    const args = [fileURLToPath(workerMainUrl), '--bootstrap', `fd:${BOOTSTRAP_FD}`];
    // A process group of its own, so that what its calls have started ends with it.
    this.#child = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
      serialization: 'advanced',
    });
    const { pid = 0 } = this.#child;
    this.workerId = `reference-${pid}-${randomBytes(4).toString('hex')}`;
    this.#child.on('message', receive);
    this.ended = this.#untilEnded(pid);
    const slots = { workerProcesses, callsPerProcess: 1, kind: 'process' } as const;
    const { workerId } = this;
    const bootstrap: WorkerBootstrap = { version: 1, workerId, tenant, ...workerPlugins, slots, logLevel: 'warn' };
    // Options of plugins may be credentials: they travel over a private pipe, never as arguments or variables.
    const pipe = this.#child.stdio[BOOTSTRAP_FD] as Socket;
    pipe.on('error', () => pipe.destroy());
    pipe.end(JSON.stringify(bootstrap));
    // Idle workers do not keep the client's process alive.
    for (const handle of [pipe, this.#child, this.#child.channel]) handle?.unref();
  }

  send(message: ToWorker): void {
    // One that is gone is told of by `ended`.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Asks it to leave within the grace, and kills it when it has not. */
  async stop(graceMs: number, { clock }: Pick<BackendDeps, 'clock'>): Promise<void> {
    this.#child.ref();
    this.send({ type: 'shutdown', graceMs });
    const timer = clock.setTimer(() => this.kill(), graceMs + EXIT_MARGIN_MS, { keepAlive: true });
    await this.ended;
    timer.cancel();
  }

  kill(): void {
    try {
      process.kill(-(this.#child.pid as number), 'SIGKILL');
    } catch {
      // Nobody of the group is left.
    }
  }

  async #untilEnded(pid: number): Promise<LossReason> {
    const { workerId } = this;
    const reason = await new Promise<LossReason>((resolve) => {
      this.#child.once('error', ({ message }) => resolve({ kind: 'start-failed', message, workerId }));
      this.#child.once('exit', (exitCode, signal) =>
        resolve(
          signal === null
            ? { kind: 'exit', message: `worker process ${pid} exited with code ${exitCode}`, workerId }
            : { kind: 'crash', message: `worker process ${pid} was killed by ${signal}`, signal, workerId },
        ),
      );
    });
    this.kill();
    await removeWorkerDirectory(pid);
    return reason;
  }
}
// #endregion
