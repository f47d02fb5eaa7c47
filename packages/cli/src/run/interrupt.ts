/**
 * Ctrl-C in a script: the first one cancels its jobs, so that workers stop and nothing is left behind, and lets the script end
 * by itself; it has {@link GRACE_MS} for that. The second one ends it at once.
 */
import type { Job } from '@splitrock/core';

/** What a script gets to end after its jobs were cancelled. */
export const GRACE_MS = 30_000;
/** A terminal and a parent process may both send the same Ctrl-C. */
const SAME_SIGNAL_MS = 300;

type InterruptSignal = 'SIGINT' | 'SIGTERM';
const EXIT_CODES: Readonly<Record<InterruptSignal, number>> = { SIGINT: 130, SIGTERM: 143 };

export interface InterruptHandler {
  /** Jobs to cancel; those that have ended do not mind. */
  add(job: Job<unknown>): void;
}

/** Handles both signals from the first job on; a script without jobs keeps Node's own behaviour. */
export function handleInterrupts(say: (text: string) => void): InterruptHandler {
  const jobs = new Set<Job<unknown>>();
  let interruptedAtMs: number | undefined;

  const onSignal = (signal: InterruptSignal): void => {
    const exitCode = EXIT_CODES[signal];
    if (interruptedAtMs !== undefined) {
      if (performance.now() - interruptedAtMs > SAME_SIGNAL_MS) process.exit(exitCode);
      return;
    }
    interruptedAtMs = performance.now();
    say(`${signal}: cancelling jobs; once more to stop at once`);
    // Whatever the script makes of its cancelled jobs, it was interrupted.
    process.on('exit', () => (process.exitCode = exitCode));
    setTimeout(() => process.exit(exitCode), GRACE_MS).unref();
    for (const job of jobs)
      job
        .cancel(new Error(`The script got ${signal}.`))
        .catch((error: unknown) => say(`cancelling failed: ${String(error)}`));
  };

  return {
    add(job) {
      if (jobs.size === 0) process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
      jobs.add(job);
      const forget = (): void => void jobs.delete(job);
      job.on('job:finish', forget);
    },
  };
}
