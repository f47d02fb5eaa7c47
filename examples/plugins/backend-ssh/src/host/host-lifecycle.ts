/**
 * Decides when a host is connected, connected again, or given up for a while. Pure; `HostKeeper` performs what it says.
 *
 * - `idle`: no worker is there and none is wanted.
 * - `starting`: ssh runs, and no worker has offered room for calls yet.
 * - `ready`: its worker takes calls.
 * - `pausing`: a session has ended, and the next is begun after a delay.
 * - `down`: given up; tried again when the delay is over, or when it is wanted urgently.
 * - `stopped`: for good.
 *
 * A worker that ends without having begun a call counts as a failure, whether or not it got ready: one that dies of, say,
 * storage that the host cannot reach would be started for ever, and nobody would know why the jobs wait.
 */
const MAX_FAILURES = 3;
const FIRST_DELAY_MS = 500;
const DOWN_DELAY_MS = 30_000;

export type HostEvent =
  /** Calls have come, or will soon. `urgent`: no other host is there for them. */
  | { readonly type: 'wanted'; readonly urgent: boolean }
  | { readonly type: 'ready' }
  /** A call has begun: this worker is good. */
  | { readonly type: 'progressed' }
  /** The session is over. `permanent`: it would end as this one did. */
  | { readonly type: 'ended'; readonly permanent: boolean; readonly hasWork: boolean }
  | { readonly type: 'paused'; readonly hasWork: boolean }
  | { readonly type: 'stopped' };

export type HostInstruction =
  | { readonly type: 'connect' }
  /** Send `paused` after this time. `hurry`: calls may be waiting for just this host. */
  | { readonly type: 'pause'; readonly delayMs: number; readonly hurry: boolean }
  /** Tell those who wait that nothing runs on this host. */
  | { readonly type: 'give-up' }
  /** What `give-up` told is no longer true. */
  | { readonly type: 'recovered' };

export class HostLifecycle {
  #state: 'idle' | 'starting' | 'ready' | 'pausing' | 'down' | 'stopped' = 'idle';
  /** Sessions in a row in which no call began. */
  #failures = 0;
  #gaveUp = false;

  get state(): string {
    return this.#state;
  }

  handle(event: HostEvent): readonly HostInstruction[] {
    if (this.#state === 'stopped') return [];
    switch (event.type) {
      case 'wanted':
        return this.#state === 'idle' || (this.#state === 'down' && event.urgent) ? this.#connect() : [];
      case 'ready':
        return this.#ready();
      case 'progressed':
        this.#failures = 0;
        return [];
      case 'ended':
        return this.#end(event.permanent, event.hasWork);
      case 'paused':
        if (event.hasWork) return this.#connect();
        this.#state = 'idle';
        return [];
      case 'stopped':
        this.#state = 'stopped';
        return [];
    }
  }

  #connect(): readonly HostInstruction[] {
    this.#state = 'starting';
    return [{ type: 'connect' }];
  }

  #ready(): readonly HostInstruction[] {
    this.#state = 'ready';
    if (!this.#gaveUp) return [];
    this.#gaveUp = false;
    return [{ type: 'recovered' }];
  }

  #end(permanent: boolean, hasWork: boolean): readonly HostInstruction[] {
    const wasGood = this.#state === 'ready' && this.#failures === 0;
    this.#failures += 1;
    if (permanent || this.#failures >= MAX_FAILURES) {
      this.#failures = 0;
      this.#gaveUp = true;
      this.#state = 'down';
      return [{ type: 'give-up' }, { type: 'pause', delayMs: DOWN_DELAY_MS, hurry: false }];
    }
    if (!hasWork) {
      this.#state = 'idle';
      return [];
    }
    if (wasGood) return this.#connect();
    this.#state = 'pausing';
    return [{ type: 'pause', delayMs: FIRST_DELAY_MS * 2 ** (this.#failures - 1), hurry: true }];
  }
}
