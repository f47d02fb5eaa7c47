/** Adds up the JSON reports that vitest wrote, one per package. */

export interface TestReport {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Tests that passed, failed and were skipped. A file that could not be loaded has no tests to count: it counts as one
 * failure, and so does a run that failed although every test passed (an error after the last test, say).
 */
export function countTests(reports: readonly TestReport[]): TestCounts {
  const sum = (countOf: (report: TestReport) => number) => reports.reduce((total, one) => total + countOf(one), 0);
  return {
    passed: sum((report) => report.numPassedTests),
    failed: sum(failuresOf),
    skipped: sum((report) => report.numPendingTests + report.numTodoTests),
  };
}

function failuresOf(report: TestReport): number {
  const unloadable = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  const known = report.numFailedTests + unloadable.length;
  return report.success || known > 0 ? known : 1;
}
