/**
 * A hook for programs that watch others' executors: `splitrock run` shows the progress of jobs that a user's script
 * starts. `globalThis[Symbol.for('splitrock.observer')]`, so that it reaches every copy of this package.
 */
import type { Job } from '../job/job.ts';

const OBSERVER: unique symbol = Symbol.for('splitrock.observer') as never;

export interface ExecutorObserver {
  /** A job was created; it has not begun yet. Never throws. */
  jobCreated(job: Job<unknown>): void;
}

export function setExecutorObserver(observer: ExecutorObserver | undefined): void {
  (globalThis as { [OBSERVER]?: ExecutorObserver | undefined })[OBSERVER] = observer;
}

export const executorObserver = (): ExecutorObserver | undefined =>
  (globalThis as { [OBSERVER]?: ExecutorObserver | undefined })[OBSERVER];
