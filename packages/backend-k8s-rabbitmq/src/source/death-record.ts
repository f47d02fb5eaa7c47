/**
 * Which workers died holding a message: told by the workers themselves, not counted by the broker.
 *
 * A broker raises its count (`x-delivery-count`) for whatever came back: also for what was on its way to a consumer that was
 * cancelled, and for all that a channel held that was closed. Versions differ in what else they count
 * (https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling). So a return only makes a message suspect: from then
 * on, whoever takes it says so in the pool's log before the first of its calls begins. A holder on record that is neither
 * there any more nor has said that it stops died with the message.
 *
 * Why a message came back for the first time nobody knows, and it counts as no death: a call that kills its workers has one
 * more of them than it is charged with. What is taken for the first time, almost everything, costs nothing.
 */
import type { Message } from 'amqplib';
import { formatJobId, pause, type Clock, type JobRef } from '@splitrock/core/plugin';
import type { HeldEntry, LogEntry } from '../protocol/log-entry.ts';

/** The broker gives a dead holder's messages to others about when it stops being seen: asked again for so long. */
const STILL_SEEN_MS = 1_000;
const ASK_AGAIN_MS = 100;
/** After a restart of the broker its workers are back within so long, the slowest of them too (`broker-connection.ts`). */
const COME_BACK_MS = 5_000;

interface DeathHeader {
  readonly reason?: string;
}

/** Whether it may have been another worker's before, which may have died of it. */
export function cameBack({ fields, properties }: Message): boolean {
  const headers: Readonly<Record<string, unknown>> = properties.headers ?? {};
  if (fields.redelivered || Number(headers['x-delivery-count'] ?? 0) > 0) return true;
  // A long call's message that nobody took from its worker's own queue (see `long-calls.ts`).
  return ((headers['x-death'] ?? []) as readonly DeathHeader[]).some(({ reason }) => reason === 'expired');
}

export interface DeathRecordDeps {
  readonly workerId: string;
  readonly clock: Clock;
  write(entry: HeldEntry): Promise<void>;
  /** Resolves once everything that was in the log when this was called was given to {@link DeathRecord.read}. */
  catchUp(): Promise<void>;
  /** Whether the worker has a connection to the broker. */
  isPresent(workerId: string): Promise<boolean>;
}

interface Waiting {
  readonly job: JobRef;
  readonly message: string;
  resolve(): void;
  reject(error: Error): void;
}

export class DeathRecord {
  readonly #deps: DeathRecordDeps;
  /** Holders on record, by job and message. */
  readonly #holders = new Map<string, Map<string, Set<string>>>();
  /** Workers that stopped in order. */
  readonly #stopped = new Set<string>();
  /** Messages to be entered; those of one turn of the event loop go together. */
  #waiting: Waiting[] = [];
  /** Until then, one that is not seen may be on its way back. */
  #allBackAtMs = -Infinity;
  readonly #closed = new AbortController();

  constructor(deps: DeathRecordDeps) {
    this.#deps = deps;
  }

  read(entry: LogEntry): void {
    switch (entry.type) {
      case 'held':
        return this.#held(entry);
      case 'removed':
        this.#holders.delete(formatJobId(entry.job));
        return;
      case 'worker-started':
        this.#stopped.delete(entry.workerId);
        return;
      case 'worker-stopped':
        this.#stopped.add(entry.workerId);
        return;
      default:
    }
  }

  /**
   * Enters this worker as the holder of a message, for good when this resolves, and tells how many others died holding it.
   * Rejects only when the worker has stopped: the message is the broker's again then.
   */
  async enter(job: JobRef, message: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => void this.#write());
      this.#waiting.push({ job, message, resolve, reject });
    });
    const holders = [...(this.#holders.get(formatJobId(job))?.get(message) ?? [])];
    const died = await Promise.all(holders.map((holder) => this.#hasDied(holder)));
    return died.filter(Boolean).length;
  }

  /** This worker has its connection again. Others may have lost theirs as well, when the broker restarted. */
  reconnected(): void {
    this.#allBackAtMs = this.#deps.clock.now() + COME_BACK_MS;
  }

  close(): void {
    this.#closed.abort();
  }

  #held({ job, workerId, messages }: HeldEntry): void {
    const key = formatJobId(job);
    let ofJob = this.#holders.get(key);
    if (ofJob === undefined) this.#holders.set(key, (ofJob = new Map()));
    for (const message of messages) ofJob.set(message, (ofJob.get(message) ?? new Set()).add(workerId));
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const { workerId } = this.#deps;
    const byJob = new Map<string, { readonly job: JobRef; readonly messages: string[] }>();
    for (const { job, message } of waiting) {
      const ofJob = byJob.get(formatJobId(job)) ?? { job, messages: [] };
      ofJob.messages.push(message);
      byJob.set(formatJobId(job), ofJob);
    }
    try {
      const entries = [...byJob.values()].map((ofJob) => this.#deps.write({ type: 'held', workerId, ...ofJob }));
      // What earlier holders wrote was there before they began, so before the message came back.
      await Promise.all([...entries, this.#deps.catchUp()]);
      for (const each of waiting) each.resolve();
    } catch (error) {
      for (const each of waiting) each.reject(error as Error);
    }
  }

  async #hasDied(holder: string): Promise<boolean> {
    const { workerId, clock } = this.#deps;
    if (holder === workerId) return false;
    const untilMs = clock.now() + STILL_SEEN_MS;
    while (!this.#stopped.has(holder) && !this.#closed.signal.aborted) {
      if (await this.#deps.isPresent(holder)) {
        // It lives, and lost its connection only; or it is just dying.
        if (clock.now() >= untilMs) return false;
      } else if (clock.now() >= this.#allBackAtMs) return !this.#stopped.has(holder);
      await pause(clock, ASK_AGAIN_MS, { signal: this.#closed.signal }).catch(() => {});
    }
    return false;
  }
}
