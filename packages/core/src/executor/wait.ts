/** Waiting for jobs and futures together. */
import { InvalidArgumentError } from '../errors/splitrock-error.ts';
import { CallFuture } from '../job/call-future.ts';
import { Job } from '../job/job.ts';

export type Waitable = Job<unknown> | CallFuture<unknown>;

export interface WaitOptions {
  /** When to return: when every call has ended, when one has, or this percentage of them (1 to 100). @defaultValue 'all' */
  readonly returnWhen?: 'all' | 'any' | number;
  /** Returns after this time in any case, in milliseconds; nothing is stopped by it. @defaultValue no limit */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface WaitResult {
  /** Futures whose calls have ended, in order. */
  readonly done: readonly CallFuture<unknown>[];
  readonly notDone: readonly CallFuture<unknown>[];
}

/** The longest that a timer of Node.js waits; of more it makes 1 ms. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** @throws InvalidArgumentError for options out of range and for what is no job or future; what a job could not run of. */
export async function waitFor(targets: Waitable | readonly Waitable[], options: WaitOptions): Promise<WaitResult> {
  const { returnWhen = 'all', signal } = options;
  const percentage = percentageOf(returnWhen);
  const timeoutMs = timeoutOf(options.timeoutMs);
  const list = Array.isArray(targets) ? (targets as readonly Waitable[]) : [targets as Waitable];
  for (const target of list) assertWaitable(target);
  const futures = (await Promise.all(list.map(futuresOf))).flat();
  const needed = returnWhen === 'any' ? Math.min(1, futures.length) : Math.ceil((futures.length * percentage) / 100);
  const ended = new Set<CallFuture<unknown>>();
  // One future may be given twice: it counts twice, and ends both times.
  let missing = needed;
  await new Promise<void>((resolve, reject) => {
    const timer = timeoutMs === undefined ? undefined : setTimeout(finish, timeoutMs);
    function finish(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      resolve();
    }
    function abort(): void {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    }
    if (signal?.aborted === true) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    if (needed === 0) return finish();
    for (const future of futures) {
      future.whenSettled().then(() => {
        ended.add(future);
        missing -= 1;
        if (missing === 0) finish();
      }, reject);
    }
  });
  return {
    done: futures.filter((future) => ended.has(future)),
    notDone: futures.filter((future) => !ended.has(future)),
  };
}

function percentageOf(returnWhen: WaitOptions['returnWhen']): number {
  if (returnWhen === 'all' || returnWhen === 'any' || returnWhen === undefined) return 100;
  if (typeof returnWhen === 'number' && returnWhen >= 1 && returnWhen <= 100) return returnWhen;
  throw new InvalidArgumentError(
    'ARGUMENT_INVALID',
    `wait: returnWhen must be 'all', 'any' or a percentage from 1 to 100 [got=${String(returnWhen)}].`,
  );
}

function timeoutOf(timeoutMs: WaitOptions['timeoutMs']): number | undefined {
  if (timeoutMs === undefined || timeoutMs === Infinity) return undefined;
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return Math.min(timeoutMs, LONGEST_TIMER_MS);
  throw new InvalidArgumentError(
    'ARGUMENT_INVALID',
    `wait: timeoutMs must be a number of milliseconds from 0 on [got=${String(timeoutMs)}].`,
  );
}

function assertWaitable(target: unknown): void {
  if (target instanceof Job || target instanceof CallFuture) return;
  throw new InvalidArgumentError(
    'ARGUMENT_INVALID',
    'wait: can wait for jobs and futures only; of a mapReduce give its mapJob and its reduceJob.',
  );
}

const futuresOf = async (target: Waitable): Promise<readonly CallFuture<unknown>[]> =>
  target instanceof Job ? target.futures() : [target];
