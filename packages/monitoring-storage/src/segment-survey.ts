/**
 * Finds out, by listing, which segments of a job exist: for a refresh, and to notice segments that went missing.
 */
import {
  firstSegmentsPrefix,
  nextSegmentsPrefix,
  statusSegmentKey,
  type JobRef,
  type Storage,
} from '@splitrock/core/plugin';

/** A page of a listing is a thousand keys in most stores: below that, reading on costs less than a new listing. */
const KEYS_WORTH_A_JUMP = 1_000;

/** The worker and number that the key of a segment (from number 1) names, or `undefined` for any other key. */
export function parseSegmentKey(job: JobRef, key: string): { workerId: string; segment: number } | undefined {
  const match = /^([^/]+)\/([0-9]{10,15})$/.exec(key.slice(nextSegmentsPrefix(job).length));
  return match ? { workerId: match[1] as string, segment: Number(match[2]) } : undefined;
}

/** The workers of a job that have published: one listing, its length is the number of workers. */
export async function* listWorkers(storage: Storage, job: JobRef, signal: AbortSignal): AsyncIterable<string> {
  const prefix = firstSegmentsPrefix(job);
  for await (const { key } of storage.list(prefix, { signal })) {
    const workerId = key.slice(prefix.length);
    if (!workerId.includes('/')) yield workerId;
  }
}

/**
 * The highest stored segment of every worker that has one at or after `nextOf(worker)`. Segments before that are
 * passed over in leaps, so the cost follows the number of workers and of unread segments.
 */
export async function findUnread(
  storage: Storage,
  job: JobRef,
  nextOf: (workerId: string) => number,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const unread = new Map<string, number>();
  for await (const workerId of listWorkers(storage, job, signal)) {
    if (nextOf(workerId) === 0) unread.set(workerId, 0);
  }
  let from: string | undefined;
  do {
    from = await scanFrom(from);
  } while (from !== undefined);
  return unread;

  /** Scans to the end, or to where a leap is worth it: then the key to go on after. */
  async function scanFrom(startAfter: string | undefined): Promise<string | undefined> {
    for await (const { key } of storage.list(nextSegmentsPrefix(job), { startAfter, signal })) {
      const found = parseSegmentKey(job, key);
      if (found === undefined) continue;
      const next = nextOf(found.workerId);
      if (next - found.segment > KEYS_WORTH_A_JUMP) return statusSegmentKey(job, found.workerId, next - 1);
      if (found.segment >= next) unread.set(found.workerId, found.segment);
    }
    return undefined;
  }
}
