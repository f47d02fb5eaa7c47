/** Who waits for what of a job: for one call, for the next one that settles, for the end. */

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

export class SettledCalls {
  /** Call ids in the order in which they were settled. */
  readonly order: number[] = [];
  readonly #byCall = new Map<number, Waiter[]>();
  #onNext: Waiter[] = [];
  #onEnd: Waiter[] = [];
  #onRoom: Waiter[] = [];
  /** How many settled calls were taken from iterations; `undefined` while nobody iterates. */
  #taken: number | undefined;
  #ended = false;
  #abortedWith: { readonly error: unknown } | undefined;

  get ended(): boolean {
    return this.#ended;
  }

  get aborted(): boolean {
    return this.#abortedWith !== undefined;
  }

  add(callId: number): void {
    this.order.push(callId);
    const waiters = this.#byCall.get(callId);
    if (waiters !== undefined) {
      this.#byCall.delete(callId);
      for (const waiter of waiters) waiter.resolve();
    }
    this.#wake('next');
    if (this.#taken === undefined) this.wakeReader();
  }

  /** Calls that are done with: taken by whoever iterates, or just settled when nobody does. */
  get taken(): number {
    return this.#taken ?? this.order.length;
  }

  /** From now on a call is done with only when {@link take} says so. */
  beginTaking(): void {
    this.#taken ??= 0;
  }

  take(): void {
    this.#taken = (this.#taken ?? 0) + 1;
    this.wakeReader();
  }

  /** Resolves when {@link taken} may have risen, or reading should stop. */
  whenTakenMore(): Promise<void> {
    return this.#wait((waiter) => this.#onRoom.push(waiter));
  }

  wakeReader(): void {
    const waiters = this.#onRoom;
    this.#onRoom = [];
    for (const waiter of waiters) waiter.resolve();
  }

  /** The job goes on: some calls will be settled once more. */
  reopen(): void {
    this.#ended = false;
  }

  end(): void {
    this.#ended = true;
    this.#wake('next');
    this.#wake('end');
  }

  /** All that wait, now and later, get this error. */
  abort(error: unknown): void {
    this.#abortedWith = { error };
    const waiters = [...this.#onNext, ...this.#onEnd, ...this.#onRoom, ...[...this.#byCall.values()].flat()];
    this.#onNext = [];
    this.#onEnd = [];
    this.#onRoom = [];
    this.#byCall.clear();
    for (const waiter of waiters) waiter.reject(error);
  }

  /** Resolves once the job has ended. */
  whenEnded(): Promise<void> {
    return this.#ended && this.#abortedWith === undefined
      ? Promise.resolve()
      : this.#wait((waiter) => this.#onEnd.push(waiter));
  }

  /** Resolves once there is a settled call beyond the first `seen`, or the job has ended. */
  whenMoreThan(seen: number): Promise<void> {
    const there = this.order.length > seen || this.#ended;
    return there && this.#abortedWith === undefined
      ? Promise.resolve()
      : this.#wait((waiter) => this.#onNext.push(waiter));
  }

  /** Resolves once this call is settled; the caller has checked that it is not. */
  whenSettled(callId: number): Promise<void> {
    return this.#wait((waiter) => {
      const waiters = this.#byCall.get(callId);
      if (waiters === undefined) this.#byCall.set(callId, [waiter]);
      else waiters.push(waiter);
    });
  }

  #wait(enlist: (waiter: Waiter) => void): Promise<void> {
    if (this.#abortedWith !== undefined) return Promise.reject(this.#abortedWith.error);
    return new Promise((resolve, reject) => enlist({ resolve, reject }));
  }

  #wake(which: 'next' | 'end'): void {
    const waiters = which === 'next' ? this.#onNext : this.#onEnd;
    if (waiters.length === 0) return;
    if (which === 'next') this.#onNext = [];
    else this.#onEnd = [];
    for (const waiter of waiters) waiter.resolve();
  }
}
