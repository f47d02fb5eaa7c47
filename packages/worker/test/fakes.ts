/** A call source and a publisher that tests hold in their hands. */
import {
  encodeInputPart,
  formatJobId,
  type CallFinished,
  type CallLease,
  type CallReceiver,
  type CallSource,
  type JobRef,
  type LossReason,
  type StatusEvent,
  type StatusPublisher,
} from '@splitrock/core/plugin';

export interface Answer {
  readonly job: string;
  readonly callId: number;
  readonly attempt: number;
  readonly answer: 'done' | 'given-back';
  readonly reason?: LossReason;
}

/** Calls for a worker; a lease of them carries their inputs if there are `payloads`. */
export interface Offer extends Omit<CallLease, 'done' | 'giveBack' | 'inlineInputs'> {
  /** Of the job's calls from 0. */
  readonly payloads?: readonly Uint8Array[];
  /** Calls that come back without having run are offered again, as any real source does, and count as unanswered. */
  readonly again?: boolean;
}

/** Leases that {@link FakeCallSource.offer} puts in line are delivered within the capacity, cut where it ends. */
export class FakeCallSource implements CallSource {
  readonly answers: Answer[] = [];
  capacity = 0;
  maxCapacity = 0;
  stopped = false;
  receiver: CallReceiver | undefined;
  readonly #offers: Offer[] = [];
  readonly #answered = new Map<string, number>();
  #held = 0;
  #startError: Error | undefined;
  readonly #waiters: { readonly done: () => boolean; readonly resolve: () => void }[] = [];

  failStart(error: Error): void {
    this.#startError = error;
  }

  async start(receiver: CallReceiver): Promise<void> {
    if (this.#startError !== undefined) throw this.#startError;
    this.receiver = receiver;
    this.#deliver();
  }

  setCapacity(calls: number): void {
    this.capacity = calls;
    this.maxCapacity = Math.max(this.maxCapacity, calls);
    queueMicrotask(() => this.#deliver());
  }

  offer(lease: Offer): void {
    this.#offers.push(lease);
    this.#deliver();
  }

  async flush(): Promise<void> {}

  async stop(): Promise<void> {
    this.stopped = true;
  }

  /** Resolves once this many calls, of one job or of all, are answered. */
  answered(count: number, job?: JobRef): Promise<void> {
    const done = (): boolean => this.#count(job) >= count;
    return done() ? Promise.resolve() : new Promise((resolve) => this.#waiters.push({ done, resolve }));
  }

  #count(job: JobRef | undefined): number {
    return job === undefined ? this.answers.length : (this.#answered.get(formatJobId(job)) ?? 0);
  }

  #deliver(): void {
    while (this.receiver !== undefined && this.#held < this.capacity) {
      const offer = this.#offers.shift();
      if (offer === undefined) return;
      const { from, to } = offer.calls;
      const cut = Math.min(to, from + this.capacity - this.#held);
      if (cut < to) this.#offers.unshift({ ...offer, calls: { from: cut, to } });
      this.#held += cut - from;
      this.receiver.deliver(this.#lease({ ...offer, calls: { from, to: cut } }));
    }
  }

  #lease(offer: Offer): CallLease {
    const answer = (callId: number, how: Answer['answer'], reason?: LossReason): void => {
      this.#held -= 1;
      const job = formatJobId(offer.job);
      const { attempt } = offer;
      if (offer.again === true && how === 'given-back' && reason === undefined) {
        this.offer({ ...offer, calls: { from: callId, to: callId + 1 } });
        return;
      }
      this.#answered.set(job, (this.#answered.get(job) ?? 0) + 1);
      this.answers.push({ job, callId, attempt, answer: how, ...(reason === undefined ? {} : { reason }) });
      for (const waiter of this.#waiters) if (waiter.done()) waiter.resolve();
      this.#deliver();
    };
    const { payloads, again: _again, ...rest } = offer;
    const { from, to } = offer.calls;
    return {
      ...rest,
      ...(payloads === undefined ? {} : { inlineInputs: encodeInputPart(from, payloads.slice(from, to)) }),
      done: (callId) => answer(callId, 'done'),
      giveBack: (callId, reason) => answer(callId, 'given-back', reason),
    };
  }
}

/** Keeps what is published; tells of single events; can be made to wait or fail. */
export class FakePublisher implements StatusPublisher {
  readonly events: (StatusEvent & { readonly job: string })[] = [];
  readonly batches: number[] = [];
  closed = false;
  /** Awaited before each publish resolves. */
  gate: () => Promise<void> = () => Promise.resolve();
  inFlight = 0;
  maxInFlight = 0;
  readonly #waiters: {
    readonly test: (event: StatusEvent) => boolean;
    readonly resolve: (event: StatusEvent) => void;
  }[] = [];

  async publish(job: JobRef, events: readonly StatusEvent[]): Promise<void> {
    this.inFlight += 1;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    this.batches.push(events.length);
    for (const event of events) {
      this.events.push({ ...event, job: formatJobId(job) });
      for (const waiter of this.#waiters) if (waiter.test(event)) waiter.resolve(event);
    }
    try {
      await this.gate();
    } finally {
      this.inFlight -= 1;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** The first event, past or future, that passes the test. */
  async event<Event extends StatusEvent>(test: (event: StatusEvent) => event is Event): Promise<Event>;
  async event(test: (event: StatusEvent) => boolean): Promise<StatusEvent>;
  async event(test: (event: StatusEvent) => boolean): Promise<StatusEvent> {
    return this.events.find(test) ?? new Promise((resolve) => this.#waiters.push({ test, resolve }));
  }

  finished(job?: JobRef): (CallFinished & { readonly job: string })[] {
    const id = job === undefined ? undefined : formatJobId(job);
    return this.events.filter(
      (event): event is CallFinished & { readonly job: string } =>
        event.type === 'finished' && (id === undefined || event.job === id),
    );
  }

  /** Text that a call wrote, by stream. */
  output(callId: number, stream: 'stdout' | 'stderr' | 'log'): string {
    return this.events
      .map((event) => (event.type === 'log' && event.callId === callId && event.stream === stream ? event.text : ''))
      .join('');
  }
}
