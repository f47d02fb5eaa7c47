/** A map whose keys are also kept in the order of listings, so that a listing can go on whatever changes meanwhile. */
import { compareStorageKeys } from '@splitrock/core/plugin';

export class SortedObjects<T> {
  readonly #values = new Map<string, T>();
  readonly #keys: string[] = [];

  get(key: string): T | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: T): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#firstIndex(key), 0, key);
    this.#values.set(key, value);
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#firstIndex(key), 1);
  }

  clear(): void {
    this.#values.clear();
    this.#keys.length = 0;
  }

  /** The first key at or after `key`. */
  ceiling(key: string): string | undefined {
    return this.#keys[this.#firstIndex(key)];
  }

  /** The first key after `key`. */
  after(key: string): string | undefined {
    const index = this.#firstIndex(key);
    return this.#keys[index] === key ? this.#keys[index + 1] : this.#keys[index];
  }

  /** The keys that begin with `prefix`, from `first` on, in order; heeds what comes and goes meanwhile. */
  *keysFrom(first: string | undefined, prefix: string): Generator<string, void, void> {
    let key = first;
    while (key?.startsWith(prefix) === true) {
      yield key;
      key = this.after(key);
    }
  }

  /** Binary search: the index of the first key that is not before `key`. */
  #firstIndex(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareStorageKeys(this.#keys[middle] as string, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
