/** What the JSON reports say that vitest wrote, one per package: how many tests, and which of them failed. */

export interface TestReport {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly TestFile[];
}

interface TestFile {
  /** The file's path. */
  readonly name: string;
  readonly status: string;
  /** What failed outside of its tests, or nothing. */
  readonly message: string;
  readonly assertionResults: readonly TestCase[];
}

interface TestCase {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages?: readonly string[] | null;
}

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface TestFailure {
  /** The test's file, or the report's name where no file is to blame. */
  readonly where: string;
  readonly test: string;
  readonly message: string;
}

/**
 * Tests that passed, failed and were skipped. A file that failed without a failed test (it could not be loaded, or what
 * its tests share could not be set up) counts as one failure, and so does a run that failed although every file passed.
 */
export function countTests(reports: readonly TestReport[]): TestCounts {
  const sum = (countOf: (report: TestReport) => number) => reports.reduce((total, one) => total + countOf(one), 0);
  return {
    passed: sum((report) => report.numPassedTests),
    failed: sum((report) => failuresOf('', report).length),
    skipped: sum((report) => report.numPendingTests + report.numTodoTests),
  };
}

/** Each of the failures that `countTests` counts, in the order of the report. */
export function failuresOf(reportName: string, { success, testResults }: TestReport): readonly TestFailure[] {
  const failures = testResults.flatMap(({ name, status, message, assertionResults }): TestFailure[] => {
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0) return status === 'failed' ? [{ where: name, test: 'outside of its tests', message }] : [];
    return failed.map(({ fullName, failureMessages }) => ({
      where: name,
      test: fullName,
      message: (failureMessages ?? []).join('\n'),
    }));
  });
  if (success || failures.length > 0) return failures;
  return [{ where: reportName, test: 'outside of its tests', message: 'The log tells which error was not caught.' }];
}
