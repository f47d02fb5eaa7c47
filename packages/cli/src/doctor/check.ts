/** One thing that `splitrock doctor` tries, and how that went. */

export type CheckStatus = 'ok' | 'warn' | 'fail' | 'skip';

export interface CheckResult {
  readonly name: string;
  readonly status: CheckStatus;
  readonly message: string;
  /** What to do about it; only where something is to be done. */
  readonly remedy?: string;
  readonly tookMs: number;
}

/** What a check found when it did not throw. */
export interface Finding {
  readonly status?: CheckStatus;
  readonly message: string;
  readonly remedy?: string;
}

export interface Check {
  readonly name: string;
  /** Names of checks that must not have failed for this one to make sense. */
  readonly needs?: readonly string[];
  /** What to do when it throws; the error itself says what failed. */
  readonly remedy?: string;
  readonly run: () => Promise<Finding>;
}

/** Runs checks one after the other and tells each result as it comes. A check whose needs failed is skipped. */
export async function runChecks(
  checks: readonly Check[],
  tell: (result: CheckResult) => void,
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) {
    const missing = (check.needs ?? []).find((need) =>
      results.some(({ name, status }) => name === need && (status === 'fail' || status === 'skip')),
    );
    const result: CheckResult =
      missing === undefined
        ? await runCheck(check)
        : { name: check.name, status: 'skip', message: `not tried, because ${missing} failed`, tookMs: 0 };
    results.push(result);
    tell(result);
  }
  return results;
}

async function runCheck({ name, remedy, run }: Check): Promise<CheckResult> {
  const startedAtMs = performance.now();
  const took = (): { readonly tookMs: number } => ({ tookMs: Math.round(performance.now() - startedAtMs) });
  try {
    const finding = await run();
    return { name, status: 'ok', ...finding, ...took() };
  } catch (error) {
    const { code } = error as { code?: unknown };
    const message = error instanceof Error ? error.message : String(error);
    return {
      name,
      status: 'fail',
      message: typeof code === 'string' ? `${code}: ${message}` : message,
      ...(remedy === undefined ? {} : { remedy }),
      ...took(),
    };
  }
}
