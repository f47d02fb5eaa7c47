/** The objects that memory storages share, and who watches them. */
import type { Clock, ClockTimer } from '@splitrock/core/plugin';
import { SortedObjects } from './sorted-objects.ts';

/** An object is replaced as a whole and its bytes never change, so that a reader keeps what it began with. */
export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly modifiedAtMs: number;
  readonly version: string;
}

export interface Watcher {
  readonly prefix: string;
  /** Called within the writer's turn; must return at once and not throw. */
  readonly tell: () => void;
}

/** Give one to several {@link MemoryStorage}s and they are clients of the same store, as two clients of a server are. */
export class MemoryBucket {
  readonly objects = new SortedObjects<StoredObject>();
  readonly watchers = new Set<Watcher>();
  readonly #timers = new Map<string, ClockTimer>();
  #puts = 0;

  put(key: string, object: Omit<StoredObject, 'version'>): void {
    this.objects.set(key, { ...object, version: String(++this.#puts) });
    for (const watcher of this.watchers) if (key.startsWith(watcher.prefix)) watcher.tell();
  }

  /** A later call for the same prefix replaces the former. The timer does not keep the process alive. */
  expire(prefix: string, afterMs: number, clock: Clock): void {
    this.#timers.get(prefix)?.cancel();
    const timer = clock.setTimer(() => {
      this.#timers.delete(prefix);
      this.#removeAll(prefix);
    }, afterMs);
    this.#timers.set(prefix, timer);
  }

  #removeAll(prefix: string): void {
    for (const key of this.objects.keysFrom(this.objects.ceiling(prefix), prefix)) this.objects.delete(key);
  }
}
