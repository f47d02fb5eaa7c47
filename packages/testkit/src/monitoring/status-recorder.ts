/** Records what a subscription delivers, and waits for it. */
import type { StatusEvent } from '@splitrock/core/plugin';

export class StatusRecorder {
  /** Everything delivered, in order, duplicates included. */
  readonly events: StatusEvent[] = [];
  readonly troubles: Error[] = [];
  readonly #deadlineMs: number;
  readonly #finishedCalls = new Set<string>();
  #onChange: (() => void) | undefined;

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  readonly onEvents = (events: readonly StatusEvent[]): void => {
    for (const event of events) {
      this.events.push(event);
      if (event.type === 'finished') this.#finishedCalls.add(attemptKey(event));
    }
    this.#onChange?.();
  };

  readonly onTrouble = (error: Error): void => {
    this.troubles.push(error);
    this.#onChange?.();
  };

  /** How many different attempts were seen to end. */
  get finishedCalls(): number {
    return this.#finishedCalls.size;
  }

  hasFinished(event: { readonly callId: number; readonly attempt: number; readonly workerId: string }): boolean {
    return this.#finishedCalls.has(attemptKey(event));
  }

  /** What was delivered of one attempt, in order, each event once: the first time it came. */
  historyOf(callId: number, workerId: string, attempt = 1): StatusEvent[] {
    const seen = new Set<string>();
    return this.events.filter((event) => {
      if (event.callId !== callId || event.workerId !== workerId || event.attempt !== attempt) return false;
      const identity = JSON.stringify(event);
      return !seen.has(identity) && Boolean(seen.add(identity));
    });
  }

  /** Resolves once `condition` holds; rejects with what was seen when it does not in time. */
  async until(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return;
    let deadline: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onChange = () => condition() && resolve();
        deadline = setTimeout(() => reject(new Error(this.#diagnosis(what))), this.#deadlineMs);
      });
    } finally {
      clearTimeout(deadline);
      this.#onChange = undefined;
    }
  }

  untilFinished(calls: number): Promise<void> {
    return this.until(() => this.finishedCalls >= calls, `${calls} finished calls`);
  }

  #diagnosis(what: string): string {
    const troubles = this.troubles.map((error) => `\n  trouble: ${error.message}`).join('');
    return (
      `Still waiting for ${what} after ${this.#deadlineMs} ms ` +
      `[events=${this.events.length}, finishedCalls=${this.finishedCalls}]${troubles}`
    );
  }
}

const attemptKey = (event: { callId: number; attempt: number; workerId: string }): string =>
  `${event.workerId} ${event.callId} ${event.attempt}`;
