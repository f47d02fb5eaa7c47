/** Removes what jobs left behind: exactly their own objects, and what the backend keeps for them. */
import type { Backend, CleanResult } from '../contracts/backend.ts';
import type { JobRef } from '../contracts/calls.ts';
import type { StatusSubscriber } from '../contracts/monitoring.ts';
import type { Storage } from '../contracts/storage.ts';
import { jobPrefix } from '../wire/storage-keys.ts';

/** Removes what the backend keeps for these jobs. Idempotent. Counts what was removed, by kind. */
export async function cleanBackend(backend: Backend, jobs: readonly JobRef[]): Promise<CleanResult> {
  const removed: Record<string, number> = {};
  for (const job of jobs) {
    const result = await backend.clean({ job });
    for (const [kind, count] of Object.entries(result.removed)) removed[kind] = (removed[kind] ?? 0) + count;
  }
  return { removed };
}

/** Removes these jobs' objects and counts them. Idempotent. A worker that still writes may leave some behind. */
export async function cleanStorage(storage: Storage, jobs: readonly JobRef[]): Promise<number> {
  let count = 0;
  async function* keys(): AsyncGenerator<string> {
    for (const job of jobs) {
      for await (const { key } of storage.list(jobPrefix(job))) {
        count += 1;
        yield key;
      }
    }
  }
  await storage.deleteMany(keys());
  return count;
}

/** Removes what the monitoring keeps for these jobs, whose objects are gone from storage. Idempotent. */
export async function cleanMonitoring(subscriber: StatusSubscriber, jobs: readonly JobRef[]): Promise<CleanResult> {
  return (await subscriber.clean?.(jobs)) ?? { removed: {} };
}
