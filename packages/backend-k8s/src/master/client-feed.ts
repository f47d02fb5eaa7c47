/** What one client is to hear, in order, kept until it says that it has. */
import type { JobRef } from '@splitrock/core/plugin';
import type { ClientEvent } from '../protocol/client-messages.ts';

/** A client that hears nothing for so long, or for so much, must say again who it is; it looks up what it missed. */
const MAX_BYTES = 16 * 1024 * 1024;
const SILENT_MS = 60_000;
/** Roughly what an event without its bytes takes. */
const EVENT_BYTES = 200;
/** Most bytes in one answer, so that a client which is far behind gets on. */
const ANSWER_BYTES = 2 * 1024 * 1024;

interface FedEvent {
  readonly number: number;
  readonly event: ClientEvent;
  readonly body?: Uint8Array;
}

export class ClientFeed {
  readonly clientId: string;
  readonly jobs: Set<string>;
  /** Whether the client has said that it is there; until then what happens is only kept for it. */
  readonly isOpened: boolean;
  readonly #events: FedEvent[] = [];
  #bytes = 0;
  #last = 0;
  #wake: (() => void) | undefined;
  #heardOfMs: number;

  /** @param jobs - What the client has said that it wants to hear of; absent: it has said nothing yet. */
  constructor(clientId: string, nowMs: number, jobs?: Set<string>) {
    this.clientId = clientId;
    this.isOpened = jobs !== undefined;
    this.jobs = jobs ?? new Set();
    this.#heardOfMs = nowMs;
  }

  /** Status that comes after `received`, which counts events of an opened feed. */
  keptStatus(received: number): readonly { readonly job: string; readonly segment: Uint8Array }[] {
    const from = this.isOpened ? received : 0;
    return this.#events.flatMap(({ number, event, body }) =>
      event[0] === 'status' && body !== undefined && number > from ? [{ job: event[1], segment: body }] : [],
    );
  }

  isForgotten(nowMs: number): boolean {
    return this.#bytes > MAX_BYTES || (this.#wake === undefined && nowMs - this.#heardOfMs > SILENT_MS);
  }

  watches(job: JobRef, id: string): boolean {
    return this.jobs.has(id) || job.executorId === this.clientId;
  }

  add(event: ClientEvent, body?: Uint8Array): void {
    this.#last += 1;
    this.#events.push({ number: this.#last, event, ...(body === undefined ? {} : { body }) });
    this.#bytes += EVENT_BYTES + (body?.length ?? 0);
    this.#wake?.();
  }

  /** What comes after `received`, at once or as soon as there is something; nothing when `until` comes first. */
  async after(received: number, until: Promise<void>, nowMs: number): Promise<readonly FedEvent[]> {
    this.#heardOfMs = nowMs;
    while (this.#events[0] !== undefined && this.#events[0].number <= received) {
      const event = this.#events.shift() as FedEvent;
      this.#bytes -= EVENT_BYTES + (event.body?.length ?? 0);
    }
    // Of two requests the later one counts.
    this.#wake?.();
    if (this.#events.length === 0) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      const wake = this.#wake;
      await Promise.race([woken, until]);
      if (this.#wake === wake) this.#wake = undefined;
    }
    return this.#firstOf();
  }

  #firstOf(): readonly FedEvent[] {
    let bytes = 0;
    const count = this.#events.findIndex(({ body }) => (bytes += EVENT_BYTES + (body?.length ?? 0)) > ANSWER_BYTES);
    return count === -1 ? [...this.#events] : this.#events.slice(0, Math.max(1, count));
  }
}
