/**
 * The events of one job that wait to be published, in order, with the promises of those who published them.
 *
 * Whatever gathered while a batch was on its way is taken as the next one. A promise settles when the last of its
 * events is durable, or with the first batch of its events that cannot be.
 */
import type { StatusEvent } from '../wire/status-event.ts';

export interface EventBatchLimits {
  readonly maxEvents: number;
  /** About: sizes are estimated. A single larger event still makes a batch. */
  readonly maxBytes: number;
}

export interface EventBatch {
  readonly events: readonly StatusEvent[];
  /** The events are durable. */
  stored(): void;
  /** The events could not be stored; what waits of the same publications goes with them. */
  failed(error: Error): void;
}

interface Publication {
  readonly events: readonly StatusEvent[];
  /** How many of the events earlier batches took. */
  taken: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class EventQueue {
  #waiting: Publication[] = [];

  /** Appends events; settles with their fate. */
  add(events: readonly StatusEvent[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ events, taken: 0, resolve, reject });
    });
  }

  /** The next batch, or `undefined` when nothing waits. */
  take(limits: EventBatchLimits): EventBatch | undefined {
    const events: StatusEvent[] = [];
    let bytes = 0;
    let complete = 0;
    fill: for (const publication of this.#waiting) {
      while (publication.taken < publication.events.length) {
        const event = publication.events[publication.taken] as StatusEvent;
        const size = estimateBytes(event);
        if (events.length > 0 && (events.length >= limits.maxEvents || bytes + size > limits.maxBytes)) break fill;
        events.push(event);
        bytes += size;
        publication.taken += 1;
      }
      complete += 1;
    }
    if (events.length === 0) return undefined;
    return this.#batch(events, this.#waiting.splice(0, complete));
  }

  #batch(events: readonly StatusEvent[], complete: readonly Publication[]): EventBatch {
    const [next] = this.#waiting;
    const begun = next !== undefined && next.taken > 0 ? next : undefined;
    return {
      events,
      stored: () => {
        for (const publication of complete) publication.resolve();
      },
      failed: (error) => {
        if (begun !== undefined) this.#waiting = this.#waiting.filter((publication) => publication !== begun);
        for (const publication of complete) publication.reject(error);
        begun?.reject(error);
      },
    };
  }
}

/** About how many bytes an event takes in a segment; never much too low, so that segments stay near their bound. */
export function estimateBytes(event: StatusEvent): number {
  switch (event.type) {
    case 'started':
      return 64;
    case 'log':
      return 128 + Buffer.byteLength(event.text) + (event.extra === undefined ? 0 : JSON.stringify(event.extra).length);
    case 'finished': {
      const { outcome } = event;
      if (outcome.kind === 'value') return 192 + ('inline' in outcome ? outcome.inline.length : outcome.key.length);
      if (outcome.kind === 'error') return 192 + outcome.error.length + Buffer.byteLength(outcome.message);
      return 192 + JSON.stringify(outcome).length;
    }
  }
}
