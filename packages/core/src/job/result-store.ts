/** Where each call's encoded result is, and how it becomes a value again. */
import type { Storage } from '../contracts/storage.ts';
import type { ResultLocation } from '../wire/gather.ts';
import { grow } from './call-states.ts';
import { PackedBytes } from './packed-bytes.ts';

/** Stored results fetched at once; each may be large. */
const PARALLEL_FETCHES = 16;
/** Values decoded before other work gets a turn. */
const DECODE_SLICE = 5_000;

export class ResultStore {
  readonly #storage: Storage;
  /** Small results, in the order in which they came. */
  readonly #inline = new PackedBytes();
  /** By call id: the number of its entry in `#inline` plus one; 0 where there is none. */
  #entry = new Uint32Array(64);
  /** Where large results are. */
  readonly #stored = new Map<number, Exclude<ResultLocation, { inline: Uint8Array }>>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  set(callId: number, location: ResultLocation): void {
    this.release(callId);
    if ('key' in location) {
      this.#stored.set(callId, location);
      return;
    }
    if (callId >= this.#entry.length) this.#entry = grow(this.#entry, Math.max(callId + 1, this.#entry.length * 2));
    this.#entry[callId] = this.#inline.add(location.inline) + 1;
  }

  location(callId: number): ResultLocation | undefined {
    const entry = this.#entry[callId] ?? 0;
    return entry === 0 ? this.#stored.get(callId) : { inline: this.#inline.get(entry - 1) };
  }

  /** Lets go of a result that was taken and will not be asked for again. */
  release(callId: number): void {
    this.#stored.delete(callId);
    const entry = this.#entry[callId] ?? 0;
    if (entry === 0) return;
    this.#inline.release(entry - 1);
    this.#entry[callId] = 0;
  }

  /** One call's value. @throws StorageError when a stored result is gone. */
  async value(callId: number, decode: (bytes: Uint8Array) => unknown): Promise<unknown> {
    const location = this.location(callId);
    if (location === undefined) throw new RangeError(`Call ${callId} has no result.`);
    return decode('inline' in location ? location.inline : await this.#storage.get(location.key));
  }

  /** The values of calls 0 to `count`, in order. */
  async values(count: number, decode: (bytes: Uint8Array) => unknown): Promise<unknown[]> {
    const values: unknown[] = Array.from({ length: count });
    const stored: number[] = [];
    for (let callId = 0; callId < count; callId += 1) {
      const location = this.location(callId);
      if (location !== undefined && 'inline' in location) values[callId] = decode(location.inline);
      else stored.push(callId);
      if (callId % DECODE_SLICE === DECODE_SLICE - 1) await new Promise((resolve) => setImmediate(resolve));
    }
    let next = 0;
    const fetchRest = async (): Promise<void> => {
      for (let callId = stored[next++]; callId !== undefined; callId = stored[next++]) {
        values[callId] = await this.value(callId, decode);
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_FETCHES, stored.length) }, fetchRest));
    return values;
  }
}
