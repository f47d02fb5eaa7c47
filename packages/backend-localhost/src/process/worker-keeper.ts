/**
 * Keeps one worker process there while it is wanted: performs what the {@link WorkerLifecycle} decides.
 */
import type { Clock, ClockTimer, LossReason, StopOptions } from '@splitrock/core/plugin';
import type { BackendMessage, WorkerMessage } from '@splitrock/worker/stream';
import { WorkerLifecycle, type LifecycleEvent, type LifecycleInstruction } from './worker-lifecycle.ts';
import type { WorkerExit, WorkerProcess, WorkerProcessEvents } from './worker-process.ts';

export interface WorkerKeeperDeps {
  spawn(events: WorkerProcessEvents): WorkerProcess;
  /** Whether calls wait for a worker or are held by one. */
  hasWork(): boolean;
  readonly clock: Clock;
}

export interface WorkerKeeperEvents {
  /** The worker offers room for calls for the first time; its messages follow. */
  onReady(workerId: string): void;
  onMessage(workerId: string, message: WorkerMessage): void;
  /** The worker is gone; `workerId` is absent if it never got ready. A new one may be on its way. */
  onGone(exit: { readonly reason: LossReason; readonly workerId?: string }): void;
  onGaveUp(failure: { readonly reason: LossReason; readonly failures: number; readonly stderr: string }): void;
  onRecovered(): void;
}

export class WorkerKeeper {
  readonly #deps: WorkerKeeperDeps;
  readonly #events: WorkerKeeperEvents;
  readonly #lifecycle = new WorkerLifecycle();
  #worker: WorkerProcess | undefined;
  #ready = false;
  #pause: ClockTimer | undefined;
  /** What the last process wrote before it ended. */
  #lastStderr = '';
  /** Told when the process is gone. */
  #waitingForEnd: (() => void)[] = [];

  constructor(deps: WorkerKeeperDeps, events: WorkerKeeperEvents) {
    this.#deps = deps;
    this.#events = events;
  }

  /** Whether there is a worker that takes calls. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** Sees to it that there is a worker, or soon will be. */
  want(): void {
    this.#advance({ type: 'wanted' });
  }

  send(message: BackendMessage): void {
    this.#worker?.send(message);
  }

  /** As {@link WorkerProcess.sendUnhurried}. */
  sendUnhurried(message: BackendMessage): void {
    this.#worker?.sendUnhurried(message);
  }

  /** Ends the worker for good; resolves when it is gone. Repeated, the shortest grace counts. */
  async stop({ graceMs = 0, signal }: StopOptions): Promise<void> {
    this.#advance({ type: 'stopped' });
    this.#pause?.cancel();
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise<void>((resolve) => this.#waitingForEnd.push(resolve));
    const kill = (): void => worker.kill();
    signal?.addEventListener('abort', kill, { once: true });
    worker.stop(graceMs, 'the executor was stopped');
    if (signal?.aborted === true) kill();
    await ended;
    signal?.removeEventListener('abort', kill);
  }

  #advance(event: LifecycleEvent): void {
    for (const instruction of this.#lifecycle.handle(event)) this.#perform(instruction);
  }

  #perform(instruction: LifecycleInstruction): void {
    switch (instruction.type) {
      case 'spawn':
        this.#worker = this.#deps.spawn({
          onMessage: (message) => this.#received(message),
          onExit: (exit) => this.#exited(exit),
        });
        return;
      case 'pause':
        // Calls wait, so the client is kept alive until the next try.
        this.#pause = this.#deps.clock.setTimer(
          () => this.#advance({ type: 'paused', hasWork: this.#deps.hasWork() }),
          instruction.delayMs,
          { keepAlive: true },
        );
        return;
      case 'give-up':
        this.#events.onGaveUp({ ...instruction, stderr: this.#lastStderr });
        return;
      case 'recovered':
        this.#events.onRecovered();
        return;
    }
  }

  #received(message: WorkerMessage): void {
    const { workerId } = this.#worker as WorkerProcess;
    if (message.type === 'capacity' && message.calls > 0 && !this.#ready) {
      this.#ready = true;
      this.#events.onReady(workerId);
      this.#advance({ type: 'ready' });
    } else if (message.type === 'answers' && message.answers.some(([kind]) => kind !== 'given-back')) {
      this.#advance({ type: 'progressed' });
    }
    this.#events.onMessage(workerId, message);
  }

  #exited({ reason, stderr, cleaned }: WorkerExit): void {
    const { workerId } = this.#worker as WorkerProcess;
    const wasReady = this.#ready;
    this.#worker = undefined;
    this.#ready = false;
    this.#lastStderr = stderr;
    this.#events.onGone({ reason, ...(wasReady ? { workerId } : {}) });
    this.#advance({ type: 'exited', reason, hasWork: this.#deps.hasWork() });
    for (const resolve of this.#waitingForEnd.splice(0)) void cleaned.then(resolve);
  }
}
