/**
 * What a client knows of the pool's jobs: which attempts are with the broker, and what to say when they are lost.
 *
 * A pure state machine over the pool's log and the client's own submissions. An attempt is *open* from its submission until
 * it is cancelled, lost, or its job's queue is removed; whether it has ended, status tells, not this book.
 */
import { formatJobId, type CallRange, type CallsLostEvent, type JobRef, type LossReason } from '@splitrock/core/plugin';
import { mergeRanges, subtractRanges } from '../protocol/call-ranges.ts';
import type { LogEntry, LostEntry } from '../protocol/log-entry.ts';

interface BookedJob {
  readonly ref: JobRef;
  /** Open calls, by attempt. */
  readonly open: Map<number, readonly CallRange[]>;
  /** Lost calls, by attempt: a loss can be told before the submission is. */
  readonly lost: Map<number, readonly CallRange[]>;
  /** This client waits for its calls. */
  watched: boolean;
  ended: boolean;
}

const REMOVED: LossReason = {
  kind: 'worker-lost',
  message: 'the job’s queue was removed from the broker, by a clean or because nobody had used it for long',
};

export class JobBook {
  readonly #jobs = new Map<string, BookedJob>();

  /** Calls that this client is about to submit. */
  submit(ref: JobRef, attempt: number, calls: CallRange): void {
    const job = this.#job(ref);
    job.watched = true;
    job.ended = false;
    this.#open(job, attempt, calls);
  }

  /** The client waits for calls of this job that others submitted, too. Tells which are open. */
  adopt(ref: JobRef): readonly CallRange[] {
    const job = this.#jobs.get(formatJobId(ref));
    if (job === undefined) return [];
    job.watched = true;
    return mergeRanges([...job.open.values()].flat());
  }

  /** The client waits for nothing of the job any more. */
  unwatch(ref: JobRef): void {
    const job = this.#jobs.get(formatJobId(ref));
    if (job !== undefined) job.watched = false;
  }

  cancel(ref: JobRef, target: { readonly calls?: readonly CallRange[]; readonly attempt?: number }): void {
    const job = this.#jobs.get(formatJobId(ref));
    for (const [attempt, open] of job?.open ?? []) {
      if (target.attempt !== undefined && target.attempt !== attempt) continue;
      job?.open.set(attempt, target.calls === undefined ? [] : subtractRanges(open, target.calls));
    }
  }

  /** Takes an entry of the log; returns what the client's listener must hear. */
  read(entry: LogEntry): readonly CallsLostEvent[] {
    switch (entry.type) {
      case 'job':
        this.#job(entry.job).ended = false;
        return [];
      case 'submitted':
        this.#open(this.#job(entry.job), entry.attempt, entry.calls);
        return [];
      case 'cancel':
        this.cancel(entry.job, entry);
        return [];
      case 'lost':
        return this.#lose(this.#job(entry.job), entry);
      case 'ended': {
        // Of a job that was removed meanwhile there is nothing to end.
        const job = this.#jobs.get(formatJobId(entry.job));
        if (job !== undefined) job.ended = true;
        return [];
      }
      case 'removed':
        return this.#remove(entry.job);
      default:
        return [];
    }
  }

  /** Jobs that are in the broker, as far as the log tells. */
  *jobs(): Iterable<{ readonly ref: JobRef; readonly ended: boolean }> {
    for (const { ref, ended } of this.#jobs.values()) yield { ref, ended };
  }

  #job(ref: JobRef): BookedJob {
    const key = formatJobId(ref);
    let job = this.#jobs.get(key);
    if (job === undefined) {
      this.#jobs.set(key, (job = { ref, open: new Map(), lost: new Map(), watched: false, ended: false }));
    }
    return job;
  }

  #open(job: BookedJob, attempt: number, calls: CallRange): void {
    const fresh = subtractRanges([calls], job.lost.get(attempt) ?? []);
    job.open.set(attempt, mergeRanges([...(job.open.get(attempt) ?? []), ...fresh]));
  }

  #lose(job: BookedJob, { attempt, calls, reason }: LostEntry): readonly CallsLostEvent[] {
    const open = job.open.get(attempt) ?? [];
    const rest = subtractRanges(open, calls);
    const lost = subtractRanges(open, rest);
    job.open.set(attempt, rest);
    job.lost.set(attempt, mergeRanges([...(job.lost.get(attempt) ?? []), ...calls]));
    return job.watched && lost.length > 0 ? [{ job: job.ref, attempt, calls: lost, reason }] : [];
  }

  #remove(ref: JobRef): readonly CallsLostEvent[] {
    const job = this.#jobs.get(formatJobId(ref));
    this.#jobs.delete(formatJobId(ref));
    if (job === undefined || !job.watched) return [];
    return [...job.open].flatMap(([attempt, calls]) =>
      calls.length === 0 ? [] : [{ job: ref, attempt, calls, reason: REMOVED }],
    );
  }
}
