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

export interface FedEvent {
  readonly number: number;
  readonly event: ClientEvent;
  readonly body?: Uint8Array;
}

export class ClientFeed {
  readonly clientId: string;
  readonly #jobs = new Set<string>();
  readonly #nextNumber: () => number;
  readonly #events: FedEvent[] = [];
  #isOpened = false;
  #bytes = 0;
  #wake: (() => void) | undefined;
  #heardOfMs: number;

  /** @param nextNumber - Counts up for all feeds of a master, so that what a client has heard is known of any of them. */
  constructor(clientId: string, nowMs: number, nextNumber: () => number) {
    this.clientId = clientId;
    this.#nextNumber = nextNumber;
    this.#heardOfMs = nowMs;
  }

  /** Whether the client has said that it is there; until then what happens is only kept for it. */
  get isOpened(): boolean {
    return this.#isOpened;
  }

  /** The client says what it wants to hear of, and that it has heard everything up to `received`; what comes after that. */
  open(jobs: readonly string[], received: number, nowMs: number): readonly FedEvent[] {
    this.#isOpened = true;
    this.#heardOfMs = nowMs;
    this.#jobs.clear();
    for (const job of jobs) this.#jobs.add(job);
    this.#drop(received);
    return [...this.#events];
  }

  /** The client wants to hear of this job, too. */
  watch(job: string): void {
    this.#jobs.add(job);
  }

  isForgotten(nowMs: number): boolean {
    return this.#bytes > MAX_BYTES || (this.#wake === undefined && nowMs - this.#heardOfMs > SILENT_MS);
  }

  watches(job: JobRef, id: string): boolean {
    return this.#jobs.has(id) || job.executorId === this.clientId;
  }

  add(event: ClientEvent, body?: Uint8Array): void {
    this.#events.push({ number: this.#nextNumber(), event, ...(body === undefined ? {} : { body }) });
    this.#bytes += EVENT_BYTES + (body?.length ?? 0);
    this.#wake?.();
  }

  /** What comes after `received`, at once or as soon as there is something; nothing when `until` comes first. */
  async after(received: number, until: Promise<void>, nowMs: number): Promise<readonly FedEvent[]> {
    this.#heardOfMs = nowMs;
    this.#drop(received);
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

  #drop(received: number): void {
    while (this.#events[0] !== undefined && this.#events[0].number <= received) {
      const event = this.#events.shift() as FedEvent;
      this.#bytes -= EVENT_BYTES + (event.body?.length ?? 0);
    }
  }

  #firstOf(): readonly FedEvent[] {
    let bytes = 0;
    const count = this.#events.findIndex(({ body }) => (bytes += EVENT_BYTES + (body?.length ?? 0)) > ANSWER_BYTES);
    return count === -1 ? [...this.#events] : this.#events.slice(0, Math.max(1, count));
  }
}
