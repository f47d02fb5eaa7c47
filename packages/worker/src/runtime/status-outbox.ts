/**
 * Publishes status in batches: one publish of a job is on its way at a time, and what comes meanwhile goes into the next.
 * So the order of a job's events is kept, and a slow transport gets larger batches instead of more of them.
 */
import type { JobRef, StatusEvent, StatusPublisher } from '@splitrock/core/plugin';

export interface OutboxHandlers<Call> {
  /** These events are durable, and with them the terminal status of these calls. */
  published(job: JobRef, events: readonly StatusEvent[], calls: readonly Call[]): void;
  /** Their status may be lost. */
  failed(calls: readonly Call[], error: unknown): void;
}

interface JobBox<Call> {
  readonly job: JobRef;
  events: StatusEvent[];
  /** Calls whose terminal status is among the events. */
  ended: Call[];
  inFlight: boolean;
}

export class StatusOutbox<Call> {
  readonly #publisher: StatusPublisher;
  readonly #handlers: OutboxHandlers<Call>;
  readonly #boxes = new Map<string, JobBox<Call>>();
  #scheduled = false;

  constructor(publisher: StatusPublisher, handlers: OutboxHandlers<Call>) {
    this.#publisher = publisher;
    this.#handlers = handlers;
  }

  /** Adds an event; `ended` is the call that it is terminal for. */
  add(key: string, job: JobRef, event: StatusEvent, ended?: Call): void {
    let box = this.#boxes.get(key);
    if (box === undefined) this.#boxes.set(key, (box = { job, events: [], ended: [], inFlight: false }));
    box.events.push(event);
    if (ended !== undefined) box.ended.push(ended);
    this.#schedule();
  }

  /** Once per turn of the event loop, so that what several slots tell in it leaves together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const [key, box] of this.#boxes) if (!box.inFlight) void this.#publish(key, box);
    });
  }

  /** Never rejects. */
  async #publish(key: string, box: JobBox<Call>): Promise<void> {
    const { events, ended } = box;
    if (events.length === 0) {
      this.#boxes.delete(key);
      return;
    }
    box.events = [];
    box.ended = [];
    box.inFlight = true;
    try {
      await this.#publisher.publish(box.job, events);
      this.#handlers.published(box.job, events, ended);
    } catch (error) {
      this.#handlers.failed(ended, error);
    }
    box.inFlight = false;
    void this.#publish(key, box);
  }
}
