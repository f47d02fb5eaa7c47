/**
 * Faults for a storage: what goes wrong, where, how often. A test that injects one also asserts that it was met
 * ({@link assertFaultsHit}); a fault that nothing meets shows nothing.
 *
 * @example
 * ```ts
 * const lost = failOnce('put', { key: /^jobs\//, after: true }); // the answer is lost, the effect stays
 * const storage = withFaults(inner, lost);
 * await runJob(storage);
 * assertFaultsHit(lost);
 * ```
 */
import { StorageError, type Storage } from '@splitrock/core/plugin';
import { InterceptedStorage, type StorageHook, type StorageOperation } from '../intercepted-storage.ts';

export interface StorageFault {
  /** For the message of a fault that was not met. */
  readonly name: string;
  /** Operations that met it so far. */
  readonly hits: number;
  readonly before?: StorageHook;
  readonly after?: StorageHook;
}

export interface FaultPlace {
  /** The keys (prefixes for `list` and `watch`) that it concerns. @defaultValue all */
  readonly key?: RegExp;
  /** Strike when the operation was done: the answer is lost, the effect stays. @defaultValue false */
  readonly after?: boolean;
}

export interface FailOptions extends FaultPlace {
  /** What the operation rejects with. @defaultValue a retryable `STORAGE_UNAVAILABLE` */
  readonly error?: Error;
}

/** The next operation of this kind fails; those after it do not. */
export const failOnce = (operation: StorageOperation, options: FailOptions = {}): StorageFault =>
  failTimes(1, operation, options);

/** The next `times` operations of this kind fail. */
export function failTimes(times: number, operation: StorageOperation, options: FailOptions = {}): StorageFault {
  const error =
    options.error ?? new StorageError('STORAGE_UNAVAILABLE', `Injected fault in ${operation}.`, { retryable: true });
  return fault(`fail ${operation}`, operation, options, (hit) => {
    if (hit <= times) throw error;
  });
}

/** Every operation of this kind waits, for a time or for what `until` returns. */
export const delay = (
  operation: StorageOperation,
  until: number | (() => Promise<unknown>),
  options: FaultPlace = {},
): StorageFault =>
  fault(`delay ${operation}`, operation, options, async () => {
    if (typeof until === 'number') await new Promise((resolve) => setTimeout(resolve, until));
    else await until();
  });

function fault(
  name: string,
  operation: StorageOperation,
  { key, after = false }: FaultPlace,
  strike: (hit: number) => void | Promise<void>,
): StorageFault {
  let hits = 0;
  const hook: StorageHook = (asked, askedKey) => {
    if (asked !== operation || key?.test(askedKey) === false) return undefined;
    return strike(++hits);
  };
  return {
    name: key === undefined ? name : `${name} of ${String(key)}`,
    get hits() {
      return hits;
    },
    ...(after ? { after: hook } : { before: hook }),
  };
}

/** The storage with these faults; they strike in the order given. */
export function withFaults(storage: Storage, ...faults: readonly StorageFault[]): InterceptedStorage {
  const inOrder =
    (when: 'before' | 'after'): StorageHook =>
    async (operation, key) => {
      for (const each of faults) await each[when]?.(operation, key);
    };
  return new InterceptedStorage(storage, { before: inOrder('before'), after: inOrder('after') });
}

/** Fails when one of the faults was not met: then the test has shown nothing of it. */
export function assertFaultsHit(...faults: readonly Pick<StorageFault, 'name' | 'hits'>[]): void {
  const missed = faults.filter(({ hits }) => hits === 0).map(({ name }) => name);
  if (missed.length > 0) throw new Error(`faults that were never met: ${missed.join(', ')}`);
}
