/**
 * One worker process with everything under it: started, fed, and ended.
 *
 * The worker leads a process group of its own (where the platform has them): a Ctrl-C in the terminal reaches only the
 * client, which decides what becomes of running calls, and whatever the worker may leave behind can be killed at once.
 * Nothing here keeps the client's process alive.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Clock, ClockTimer, Logger, LossReason, WorkerBootstrap } from '@splitrock/core/plugin';
import { removeWorkerDirectory, workerMainUrl } from '@splitrock/worker';
import {
  FrameChannel,
  decodeMessage,
  encodeMessage,
  type BackendMessage,
  type WorkerMessage,
} from '@splitrock/worker/stream';
import { forwardLog } from './forward-log.ts';
import { OutputLines } from './output-lines.ts';
import { describeWorkerExit } from './worker-exit.ts';

/** The descriptor from which a worker reads its bootstrap, to the end. */
const BOOTSTRAP_FD = 3;
/** The descriptor at which a worker finds its end of the channel. */
export const CHANNEL_FD = 4;

/** What a worker gets to clean up after its calls have ended, before it is killed. */
const EXIT_MARGIN_MS = 2_000;

/** How long a message that nobody waits for may wait for company. */
const UNHURRIED_MS = 50;

/** Whoever holds a dead worker's streams open (a process that a call started and that left the group) gets this long. */
const CLOSE_GRACE_MS = 1_000;

export interface WorkerProcessOptions {
  readonly nodeFlags: readonly string[];
  /** How long it may take until it first offers room for calls. */
  readonly startTimeoutMs: number;
  /** What the worker is told, once its id is known. Goes through a private pipe: it holds credentials. */
  bootstrap(workerId: string): WorkerBootstrap;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface WorkerProcessEvents {
  onMessage(message: WorkerMessage): void;
  /** Once, after the last message: the process is gone, and what it had started goes with it. */
  onExit(exit: WorkerExit): void;
}

export interface WorkerExit {
  readonly reason: LossReason;
  /** The end of what the process wrote. */
  readonly stderr: string;
  /** Resolves when its temporary files are gone too; never rejects. */
  readonly cleaned: Promise<void>;
}

export class WorkerProcess {
  readonly workerId: string;
  readonly #child: ChildProcess;
  /** Absent when no process could be spawned. */
  #channel: FrameChannel | undefined;
  readonly #options: WorkerProcessOptions;
  readonly #events: WorkerProcessEvents;
  readonly #output: OutputLines;
  #startTimer: ClockTimer | undefined;
  #killTimer: ClockTimer | undefined;
  /** Messages that leave with the next one, or when the timer says so. */
  #unhurried: BackendMessage[] = [];
  #unhurriedTimer: ClockTimer | undefined;
  #killAtMs = Infinity;
  /** Why this side killed it, when the exit signal alone would not tell. */
  #killReason: string | undefined;
  #alive = true;

  constructor(options: WorkerProcessOptions, events: WorkerProcessEvents) {
    this.#options = options;
    this.#events = events;
    this.#child = spawn(
      process.execPath,
      [...options.nodeFlags, fileURLToPath(workerMainUrl), '--bootstrap', `fd:${BOOTSTRAP_FD}`],
      {
        stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
        detached: process.platform !== 'win32',
        windowsHide: true,
      },
    );
    this.workerId = `localhost-${this.#child.pid ?? 0}-${randomBytes(4).toString('hex')}`;
    const logger = options.logger.child({ workerId: this.workerId });
    this.#output = new OutputLines((line) => forwardLog(logger, line));
    this.#child.on('error', (error) => this.#spawnFailed(error));
    if (this.#child.pid !== undefined) this.#connect();
  }

  send(message: BackendMessage): void {
    if (this.#unhurried.length > 0) this.#sendUnhurried();
    this.#channel?.send(encodeMessage(message));
  }

  /** Sends a message that nobody waits for: with the next one, or a little later. Waking the worker costs both sides. */
  sendUnhurried(message: BackendMessage): void {
    this.#unhurried.push(message);
    this.#unhurriedTimer ??= this.#options.clock.setTimer(() => this.#sendUnhurried(), UNHURRIED_MS);
  }

  /**
   * Asks the worker to end within `graceMs`; kills it if it has not a little later, and at once while it starts, since
   * nothing runs yet. Repeated, the earliest end wins.
   */
  stop(graceMs: number, reason: string): void {
    // From here on somebody waits for the end.
    this.#child.ref();
    if (this.#startTimer !== undefined) {
      this.kill();
      return;
    }
    this.send({ type: 'shutdown', graceMs, reason });
    const killAtMs = this.#options.clock.now() + graceMs + EXIT_MARGIN_MS;
    if (killAtMs >= this.#killAtMs) return;
    this.#killAtMs = killAtMs;
    this.#killTimer?.cancel();
    this.#killTimer = this.#options.clock.setTimer(() => this.kill(), graceMs + EXIT_MARGIN_MS);
  }

  /** Kills the worker; what runs in it dies with it. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined || !this.#alive) return;
    if (process.platform === 'win32') this.#child.kill('SIGKILL');
    else killGroup(pid);
  }

  #sendUnhurried(): void {
    this.#unhurriedTimer?.cancel();
    this.#unhurriedTimer = undefined;
    for (const message of this.#unhurried.splice(0)) this.#channel?.send(encodeMessage(message));
  }

  #connect(): void {
    this.#child.on('exit', () => this.#exited());
    // Comes when its streams have ended too: its last message and its last words have been read by then.
    this.#child.on('close', () => this.#ended());
    for (const stream of [this.#child.stdout, this.#child.stderr] as Socket[]) {
      stream.setEncoding('utf8').on('data', (text: string) => this.#output.push(text));
      stream.unref();
    }
    this.#channel = new FrameChannel(this.#child.stdio[CHANNEL_FD] as Socket, {
      onFrame: (frame) => this.#received(decodeMessage<WorkerMessage>(frame)),
      // A worker without its channel is of no use, and nobody could tell it to end. One that was told closes it itself.
      onClose: () => {
        if (this.#killAtMs === Infinity) this.kill();
      },
    });
    this.#channel.setKeepAlive(false);
    this.#child.unref();
    this.#sendBootstrap();
    const { clock, startTimeoutMs } = this.#options;
    this.#startTimer = clock.setTimer(() => this.#startTimedOut(), startTimeoutMs);
  }

  #sendBootstrap(): void {
    const pipe = this.#child.stdio[BOOTSTRAP_FD] as Socket;
    // A worker that dies before it has read this is told by its exit.
    pipe.on('error', () => pipe.destroy());
    pipe.unref();
    pipe.end(JSON.stringify(this.#options.bootstrap(this.workerId)));
  }

  #received(message: WorkerMessage): void {
    if (message.type === 'capacity' && message.calls > 0) {
      this.#startTimer?.cancel();
      this.#startTimer = undefined;
    }
    this.#events.onMessage(message);
  }

  #startTimedOut(): void {
    this.#killReason = `worker process ${this.#child.pid} did not get ready within ${this.#options.startTimeoutMs} ms`;
    this.kill();
  }

  #spawnFailed(error: Error): void {
    // Also emitted when a running process cannot be signalled; its exit follows.
    if (this.#child.pid !== undefined) return;
    this.#killReason = `no worker process could be spawned: ${error.message}`;
    this.#ended();
  }

  #exited(): void {
    const { pid, stdout, stderr } = this.#child;
    this.#alive = false;
    this.#startTimer?.cancel();
    this.#unhurriedTimer?.cancel();
    // Processes that its calls started are of its group, unless they were made to leave it.
    if (process.platform !== 'win32') killGroup(pid as number);
    const cut = (): void => {
      for (const stream of [stdout, stderr, this.#channel]) stream?.destroy();
    };
    this.#killTimer?.cancel();
    this.#killTimer = this.#options.clock.setTimer(cut, CLOSE_GRACE_MS, { keepAlive: true });
  }

  #ended(): void {
    this.#killTimer?.cancel();
    const { exitCode, signalCode: signal, pid = 0 } = this.#child;
    const stderr = this.#output.tail;
    const reason = describeWorkerExit({ workerId: this.workerId, pid, exitCode, signal, stderr });
    // A worker that ended in order has removed them itself.
    const cleaned = exitCode === 0 ? Promise.resolve() : this.#removeFiles(pid);
    this.#events.onExit({ reason: { ...reason, message: this.#killReason ?? reason.message }, stderr, cleaned });
  }

  #removeFiles(pid: number): Promise<void> {
    return removeWorkerDirectory(pid).catch((error: unknown) => {
      this.#options.logger.warn('Temporary files of a worker could not be removed', { workerId: this.workerId, error });
    });
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: nobody of it is left.
  }
}
