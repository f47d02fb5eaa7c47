/** Keeps a worker on one host while it is wanted: performs what the `HostLifecycle` decides. */
import type { Clock, ClockTimer, LossReason, StopOptions } from '@splitrock/core/plugin';
import type { BackendMessage, WorkerMessage } from '@splitrock/worker/stream';
import type { HostSettings } from '../options.ts';
import type { HostFailure } from './host-failure.ts';
import { HostLifecycle, type HostEvent, type HostInstruction } from './host-lifecycle.ts';
import type { HostSession, HostSessionEvents, SessionEnd } from './host-session.ts';
import type { Hello } from './launcher.ts';

export interface HostKeeperDeps {
  readonly host: HostSettings;
  connect(host: HostSettings, events: HostSessionEvents): HostSession;
  /** Whether calls wait for a worker or are held by one. */
  hasWork(): boolean;
  readonly clock: Clock;
}

export interface HostKeeperEvents {
  onHello(hello: Hello): void;
  onReady(keeper: HostKeeper, workerId: string): void;
  onMessage(workerId: string, message: WorkerMessage): void;
  /** A worker that was ready is gone. */
  onGone(workerId: string, reason: LossReason): void;
  onGaveUp(keeper: HostKeeper, failure: HostFailure, reason: LossReason): void;
  onRecovered(keeper: HostKeeper): void;
}

export class HostKeeper {
  readonly host: HostSettings;
  readonly #deps: HostKeeperDeps;
  readonly #events: HostKeeperEvents;
  readonly #lifecycle = new HostLifecycle();
  #session: HostSession | undefined;
  /** Whether its worker has offered room for calls. */
  #ready = false;
  #pause: ClockTimer | undefined;
  #lastEnd: SessionEnd | undefined;
  #cpus: number | undefined;
  #waitingForEnd: (() => void)[] = [];

  constructor(deps: HostKeeperDeps, events: HostKeeperEvents) {
    this.host = deps.host;
    this.#deps = deps;
    this.#events = events;
  }

  get isReady(): boolean {
    return this.#ready;
  }

  /** Whether it was given up, and is not being tried just now. */
  get isDown(): boolean {
    return this.#lifecycle.state === 'down';
  }

  /** Processes that run calls there; until the host has said how many CPUs it has, at least one. */
  get slots(): number {
    return this.host.slots ?? this.#cpus ?? 1;
  }

  want(urgent: boolean): void {
    this.#advance({ type: 'wanted', urgent });
  }

  send(message: BackendMessage): void {
    this.#session?.send(message);
  }

  /** Ends the worker for good; resolves when it is gone. Repeated, the shortest grace counts. */
  async stop({ graceMs = 0, signal }: StopOptions): Promise<void> {
    this.#advance({ type: 'stopped' });
    this.#pause?.cancel();
    const session = this.#session;
    if (session === undefined) return;
    const ended = new Promise<void>((resolve) => this.#waitingForEnd.push(resolve));
    const kill = (): void => session.kill();
    signal?.addEventListener('abort', kill, { once: true });
    session.stop(graceMs, 'the executor was stopped');
    if (signal?.aborted === true) kill();
    await ended;
    signal?.removeEventListener('abort', kill);
  }

  #advance(event: HostEvent): void {
    for (const instruction of this.#lifecycle.handle(event)) this.#perform(instruction);
  }

  #perform(instruction: HostInstruction): void {
    switch (instruction.type) {
      case 'connect':
        this.#pause?.cancel();
        this.#session = this.#deps.connect(this.host, {
          onHello: (hello) => {
            this.#cpus = hello.cpus;
            this.#events.onHello(hello);
          },
          onMessage: (message) => this.#received(message),
          onEnd: (end) => this.#ended(end),
        });
        return;
      case 'pause':
        this.#pause = this.#deps.clock.setTimer(
          () => this.#advance({ type: 'paused', hasWork: this.#deps.hasWork() }),
          instruction.delayMs,
          { keepAlive: instruction.hurry },
        );
        return;
      case 'give-up': {
        const { failure, reason } = this.#lastEnd as SessionEnd;
        this.#events.onGaveUp(this, failure, reason);
        return;
      }
      case 'recovered':
        this.#events.onRecovered(this);
        return;
    }
  }

  #received(message: WorkerMessage): void {
    const { workerId } = this.#session as HostSession;
    if (message.type === 'capacity' && message.calls > 0 && !this.#ready) {
      this.#ready = true;
      this.#advance({ type: 'ready' });
      this.#events.onReady(this, workerId);
    } else if (message.type === 'answers' && message.answers.some(([kind]) => kind !== 'given-back')) {
      this.#advance({ type: 'progressed' });
    }
    this.#events.onMessage(workerId, message);
  }

  #ended(end: SessionEnd): void {
    const { workerId } = this.#session as HostSession;
    const wasReady = this.#ready;
    this.#session = undefined;
    this.#ready = false;
    this.#lastEnd = end;
    if (wasReady) this.#events.onGone(workerId, end.reason);
    this.#advance({ type: 'ended', permanent: end.failure.permanent, hasWork: this.#deps.hasWork() });
    for (const resolve of this.#waitingForEnd.splice(0)) resolve();
  }
}
