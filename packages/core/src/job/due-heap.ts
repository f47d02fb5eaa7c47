/** A binary min-heap of calls by the time at which they are due. */
export interface DueCall {
  readonly dueMs: number;
  readonly callId: number;
}

export class DueHeap<T extends DueCall> {
  readonly #items: T[] = [];

  /** The earliest due time, or `undefined` when empty. */
  get nextMs(): number | undefined {
    return this.#items[0]?.dueMs;
  }

  push(item: T): void {
    const items = this.#items;
    let index = items.length;
    items.push(item);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((items[parent] as T).dueMs <= item.dueMs) break;
      items[index] = items[parent] as T;
      index = parent;
    }
    items[index] = item;
  }

  /** Takes the earliest item if it is due at `nowMs`. */
  popDue(nowMs: number): T | undefined {
    const items = this.#items;
    const first = items[0];
    if (first === undefined || first.dueMs > nowMs) return undefined;
    const last = items.pop() as T;
    if (items.length > 0) this.#sink(last);
    return first;
  }

  #sink(item: T): void {
    const items = this.#items;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && (items[child + 1] as T).dueMs < (items[child] as T).dueMs) child += 1;
      if ((items[child] as T).dueMs >= item.dueMs) break;
      items[index] = items[child] as T;
      index = child;
    }
    items[index] = item;
  }
}
