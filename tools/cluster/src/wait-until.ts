import { setTimeout as pause } from 'node:timers/promises';

export interface Wait {
  /** What is waited for, as the object of "waited for". */
  readonly what: string;
  readonly timeoutMs: number;
  /** Looked at when a wait fails. */
  readonly log?: string;
}

const INTERVAL_MS = 100;

/** Polls until `check` holds. A check that throws does not hold. @throws Error that names what was waited for */
export async function waitUntil({ what, timeoutMs, log }: Wait, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await check().catch(() => false))) {
    if (performance.now() > deadline) {
      throw new Error(
        `waited ${timeoutMs / 1_000} s for ${what}, in vain${log === undefined ? '' : `; its log is ${log}`}`,
      );
    }
    await pause(INTERVAL_MS);
  }
}
