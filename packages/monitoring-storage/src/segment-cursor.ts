/**
 * Reads the segments of one worker in order, each once.
 *
 * The next segment is asked for by its key: found or not, that is one cheap read, however many segments there are.
 * While segments are found, more are read ahead (as many as were found so far), so a backlog of n segments costs at
 * most about 2n reads and few round trips.
 *
 * A segment exists only after all before it, so one that is missing before another that exists is gone for good: the
 * gap is reported and crossed.
 */
import {
  MonitoringError,
  decodeStatusSegment,
  isSplitrockError,
  nextSegmentsPrefix,
  statusSegmentKey,
  type JobRef,
  type StatusEvent,
  type Storage,
} from '@splitrock/core/plugin';
import type { PollTiming } from './poll-timing.ts';
import type { ReadPermits } from './read-permits.ts';
import { parseSegmentKey } from './segment-survey.ts';

/** How many segments one advance may deliver before other workers get their turn. */
const MAX_SEGMENTS_PER_ADVANCE = 64;

export interface SegmentSink {
  deliver(events: readonly StatusEvent[]): void;
  trouble(error: Error): void;
}

export interface SegmentSource {
  readonly job: JobRef;
  readonly storage: Storage;
  readonly permits: ReadPermits;
  readonly maxParallelReads: number;
  readonly signal: AbortSignal;
}

export class SegmentCursor {
  readonly workerId: string;
  timing: PollTiming;
  readonly #source: SegmentSource;
  readonly #sink: SegmentSink;
  #next = 0;

  constructor(workerId: string, timing: PollTiming, source: SegmentSource, sink: SegmentSink) {
    this.workerId = workerId;
    this.timing = timing;
    this.#source = source;
    this.#sink = sink;
  }

  /** Number of the first segment that was not delivered yet. */
  get next(): number {
    return this.#next;
  }

  /** Delivers what is there now, up to a bound; `more` says that it stopped at the bound. */
  async advance(): Promise<'more' | 'progress' | 'idle'> {
    const start = this.#next;
    for (;;) {
      const found = this.#next - start;
      if (found >= MAX_SEGMENTS_PER_ADVANCE) return 'more';
      // As many again as were found: a lone new segment costs one read that finds nothing, not more.
      if (await this.#readAhead(Math.max(1, found))) return this.#next > start ? 'progress' : 'idle';
    }
  }

  /** Delivers all up to `segment`, which was seen in the storage; what is missing before it is reported. */
  async advanceTo(segment: number): Promise<void> {
    while (this.#next <= segment) {
      const atEnd = await this.#readAhead(segment - this.#next + 1);
      if (atEnd && this.#next <= segment) await this.#crossGap(segment);
    }
  }

  /** Reads up to `window` segments at once and delivers them in order; true when the end was met. */
  #readAhead(window: number): Promise<boolean> {
    const { permits, maxParallelReads } = this.#source;
    return permits.use(Math.min(window, maxParallelReads), async (count) => {
      const first = this.#next;
      const reads = await Promise.allSettled(Array.from({ length: count }, (_, index) => this.#read(first + index)));
      for (const [index, read] of reads.entries()) {
        if (read.status === 'rejected') throw read.reason;
        if (read.value === undefined) {
          const last = reads.findLastIndex((later) => later.status === 'fulfilled' && later.value !== undefined);
          if (last < index) return true;
          await this.#crossGap(first + last);
          return false;
        }
        this.#accept(read.value);
      }
      return false;
    });
  }

  /**
   * The next segment was missing while `segment` was seen. Reads were not at the same moment, so it is read again
   * before it counts as gone.
   */
  async #crossGap(segment: number): Promise<void> {
    const following = await this.#firstAfter(this.#next);
    const bytes = await this.#read(this.#next);
    if (bytes !== undefined) return this.#accept(bytes);
    const to = following ?? segment + 1;
    this.#sink.trouble(this.#missing(this.#next, to));
    this.#next = to;
  }

  async #firstAfter(segment: number): Promise<number | undefined> {
    const { storage, job, signal } = this.#source;
    const startAfter = segment === 0 ? undefined : statusSegmentKey(job, this.workerId, segment);
    for await (const { key } of storage.list(`${nextSegmentsPrefix(job)}${this.workerId}/`, { startAfter, signal })) {
      const found = parseSegmentKey(job, key);
      if (found !== undefined) return found.segment;
    }
    return undefined;
  }

  /** The segment's bytes, or `undefined` when there is none. */
  async #read(segment: number): Promise<Uint8Array | undefined> {
    const { storage, job, signal } = this.#source;
    try {
      return await storage.get(statusSegmentKey(job, this.workerId, segment), { signal });
    } catch (error) {
      if (isSplitrockError(error, 'STORAGE_OBJECT_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  /** Delivers a segment. A damaged one stays damaged, for writes are atomic: it is reported and passed over. */
  #accept(bytes: Uint8Array): void {
    const segment = this.#next;
    this.#next += 1;
    let events: readonly StatusEvent[];
    try {
      events = decodeStatusSegment(bytes);
    } catch (cause) {
      this.#sink.trouble(this.#damaged(segment, bytes, cause));
      return;
    }
    this.#sink.deliver(events);
  }

  #damaged(segment: number, bytes: Uint8Array, cause: unknown): MonitoringError {
    const key = statusSegmentKey(this.#source.job, this.workerId, segment);
    return new MonitoringError(
      'DATA_CORRUPT',
      `Status segment cannot be read [key=${key}, bytes=${bytes.length}]: ${cause instanceof Error ? cause.message : String(cause)} ` +
        'Calls whose outcome it held are run again when their worker is found gone.',
      { cause, details: { key, workerId: this.workerId, segment, bytes: bytes.length } },
    );
  }

  #missing(from: number, to: number): MonitoringError {
    const key = statusSegmentKey(this.#source.job, this.workerId, from);
    return new MonitoringError(
      'DATA_CORRUPT',
      `Status segments are gone [key=${key}, missing=${to - from}]; something other than Splitrock removed them. ` +
        'Calls whose outcome they held are run again when their worker is found gone.',
      { details: { key, workerId: this.workerId, from, to } },
    );
  }
}
