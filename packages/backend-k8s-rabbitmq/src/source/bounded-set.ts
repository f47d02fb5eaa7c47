/** Remembers the latest values. */
export class BoundedSet<Value> {
  readonly #limit: number;
  readonly #values = new Set<Value>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(value: Value): void {
    this.#values.add(value);
    if (this.#values.size <= this.#limit) return;
    const [oldest] = this.#values;
    this.#values.delete(oldest as Value);
  }

  has(value: Value): boolean {
    return this.#values.has(value);
  }
}
