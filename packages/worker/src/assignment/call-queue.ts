/** Waiting calls of one job, first in first out; calls that come back from a slot go to the front again. */
export class CallQueue<Call> {
  #calls: Call[] = [];
  #head = 0;

  get length(): number {
    return this.#calls.length - this.#head;
  }

  push(call: Call): void {
    this.#calls.push(call);
  }

  putBack(calls: readonly Call[]): void {
    if (calls.length > 0) this.#calls = [...calls, ...this.#calls.slice(this.#head)];
    if (calls.length > 0) this.#head = 0;
  }

  /** Takes up to `count` calls from the front. */
  take(count: number): Call[] {
    const taken = this.#calls.slice(this.#head, this.#head + count);
    this.#head += taken.length;
    // Taken calls are let go of in blocks, so that taking stays cheap in a long queue.
    if (this.#head > 1024 && this.#head * 2 > this.#calls.length) {
      this.#calls = this.#calls.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }

  /** Takes up to `count` calls from the back. */
  takeLast(count: number): Call[] {
    return this.#calls.splice(Math.max(this.#head, this.#calls.length - count));
  }

  /** Takes all calls that `unwanted` names, wherever they stand. */
  remove(unwanted: (call: Call) => boolean): Call[] {
    const removed: Call[] = [];
    const kept: Call[] = [];
    for (const call of this.#calls.slice(this.#head)) (unwanted(call) ? removed : kept).push(call);
    this.#calls = kept;
    this.#head = 0;
    return removed;
  }
}
