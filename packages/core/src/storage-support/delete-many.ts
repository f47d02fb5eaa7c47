/** `deleteMany` in batches, with one error for all that failed. */
import { StorageError, isSplitrockError } from '../errors/splitrock-error.ts';
import type { StorageLimits } from '../contracts/storage.ts';
import { checkStorageKey } from './storage-key.ts';

export interface DeleteFailure {
  readonly key: string;
  readonly error: unknown;
}

export interface DeleteManyPlan {
  /** The storage's name, for the message. */
  readonly storage: string;
  readonly limits: Pick<StorageLimits, 'maxKeyBytes'>;
  /** Keys in one batch, at least 1. */
  readonly batchSize: number;
  /** Batches under way at once. @defaultValue 1 */
  readonly concurrency?: number;
  readonly signal?: AbortSignal | undefined;
  /** Deletes a batch of checked keys and tells which failed; may throw when all of them did. */
  deleteBatch(keys: readonly string[]): Promise<readonly DeleteFailure[]>;
}

/**
 * Runs a plan over all keys. Keys that fail, invalid ones included, do not stop the others.
 * @throws StorageError naming every failed key in `details.failures`; what `keys` throws; the signal's reason.
 */
export async function deleteInBatches(
  keys: Iterable<string> | AsyncIterable<string>,
  plan: DeleteManyPlan,
): Promise<void> {
  plan.signal?.throwIfAborted();
  const failures: DeleteFailure[] = [];
  const running = new Set<Promise<void>>();
  const run = (batch: readonly string[]): Promise<void> => {
    const task = deleteOneBatch(batch, plan, failures).finally(() => running.delete(task));
    running.add(task);
    return task;
  };
  let batch: string[] = [];
  try {
    for await (const key of keys) {
      batch.push(key);
      if (batch.length < plan.batchSize) continue;
      plan.signal?.throwIfAborted();
      void run(batch);
      batch = [];
      if (running.size >= (plan.concurrency ?? 1)) await Promise.race(running);
    }
    plan.signal?.throwIfAborted();
    if (batch.length > 0) void run(batch);
  } finally {
    await Promise.all(running);
  }
  plan.signal?.throwIfAborted();
  if (failures.length > 0) throw deleteManyError(plan.storage, failures);
}

async function deleteOneBatch(
  batch: readonly string[],
  plan: DeleteManyPlan,
  failures: DeleteFailure[],
): Promise<void> {
  const valid: string[] = [];
  for (const key of batch) {
    try {
      checkStorageKey(key, plan.limits);
      valid.push(key);
    } catch (error) {
      failures.push({ key, error });
    }
  }
  if (valid.length === 0) return;
  try {
    failures.push(...(await plan.deleteBatch(valid)));
  } catch (error) {
    failures.push(...valid.map((key) => ({ key, error })));
  }
}

const SHOWN = 5;

function deleteManyError(storage: string, failures: readonly DeleteFailure[]): StorageError {
  const first = failures.find(({ error }) => isSplitrockError(error))?.error;
  const code = isSplitrockError(first) ? first.code : 'STORAGE_UNAVAILABLE';
  const shown = failures.slice(0, SHOWN).map(({ key, error }) => `${JSON.stringify(key)}: ${messageOf(error)}`);
  const more = failures.length > SHOWN ? `; and ${failures.length - SHOWN} more` : '';
  return new StorageError(
    code,
    `Storage ${storage} could not delete some objects [failed=${failures.length}]: ${shown.join('; ')}${more}`,
    {
      cause: new AggregateError(failures.map(({ error }) => error)),
      retryable: failures.every(({ error }) => isSplitrockError(error) && error.retryable),
      details: {
        failures: failures.map(({ key, error }) => ({ key, code: codeOf(error), message: messageOf(error) })),
      },
    },
  );
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const codeOf = (error: unknown): string => (isSplitrockError(error) ? error.code : 'STORAGE_UNAVAILABLE');
