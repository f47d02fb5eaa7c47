/** A worker process of the reference backend: how it is started, and how it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { BackendDeps, LossReason, WorkerBootstrap } from '@splitrock/core/plugin';
import { removeWorkerDirectory, workerMainUrl } from '@splitrock/worker';
import {
  FrameChannel,
  decodeMessage,
  encodeMessage,
  type BackendMessage,
  type WorkerMessage,
  type WorkerPort,
} from '@splitrock/worker/stream';

const BOOTSTRAP_FD = 3;
/** The descriptor at which the worker finds its end of the stream. */
export const CHANNEL_FD = 4;
/** What a worker gets to clean up after its calls have ended. */
const EXIT_MARGIN_MS = 2_000;

// #region worker
export class ReferenceWorker implements WorkerPort {
  readonly workerId: string;
  /** Resolves, once it is gone with its files, to why. */
  readonly ended: Promise<LossReason>;
  readonly #deps: BackendDeps;
  readonly #child: ChildProcess;
  #channel: FrameChannel | undefined;

  constructor(deps: BackendDeps, workerProcesses: number, receive: (message: WorkerMessage) => void) {
    this.#deps = deps;
    // A process group of its own, so that what its calls have started ends with it.
    const args = [fileURLToPath(workerMainUrl), '--bootstrap', `fd:${BOOTSTRAP_FD}`];
    this.#child = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.workerId = `reference-${this.#child.pid ?? 0}-${randomBytes(4).toString('hex')}`;
    this.ended = this.#untilEnded();
    this.#child.once('spawn', () => this.#connect(workerProcesses, receive));
  }

  send(message: BackendMessage): void {
    // One that is gone is told of by `ended`.
    this.#channel?.send(encodeMessage(message));
  }

  /** Asks it to leave within the grace, and kills it when it has not. */
  shutDown(graceMs: number): void {
    this.#child.ref();
    this.send({ type: 'shutdown', graceMs, reason: 'the client stops' });
    const timer = this.#deps.clock.setTimer(() => this.kill(), graceMs + EXIT_MARGIN_MS);
    void this.ended.then(() => timer.cancel());
  }

  kill(): void {
    // Whoever ends it waits for its end.
    this.#child.ref();
    try {
      process.kill(-(this.#child.pid as number), 'SIGKILL');
    } catch {
      // Nobody of the group is left.
    }
  }

  #connect(workerProcesses: number, receive: (message: WorkerMessage) => void): void {
    const { tenant, workerPlugins } = this.#deps;
    const { workerId } = this;
    const slots = { workerProcesses, callsPerProcess: 1, kind: 'process' } as const;
    const bootstrap: WorkerBootstrap = { version: 1, workerId, tenant, ...workerPlugins, slots, logLevel: 'warn' };
    // Options of plugins may be credentials: they travel over a private pipe, never as arguments or variables.
    const pipe = this.#child.stdio[BOOTSTRAP_FD] as Socket;
    pipe.on('error', () => pipe.destroy());
    pipe.end(JSON.stringify(bootstrap));
    this.#channel = new FrameChannel(this.#child.stdio[CHANNEL_FD] as Socket, {
      onFrame: (frame) => receive(decodeMessage<WorkerMessage>(frame)),
      // A worker whose stream ends leaves by itself.
      onClose: () => undefined,
    });
    // Idle workers do not keep the client's process alive.
    this.#channel.setKeepAlive(false);
    for (const handle of [pipe, this.#child]) handle.unref();
  }

  async #untilEnded(): Promise<LossReason> {
    const { workerId } = this;
    const { pid = 0 } = this.#child;
    const reason = await new Promise<LossReason>((resolve) => {
      this.#child.once('error', ({ message }) => resolve({ kind: 'start-failed', message, workerId }));
      // After its last message has been read.
      this.#child.once('close', (exitCode, signal) =>
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
