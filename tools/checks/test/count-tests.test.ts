import { expect, test } from 'vitest';
import { countTests, type TestReport } from '../src/ci/count-tests.ts';

const report = (changes: Partial<TestReport>): TestReport => ({
  success: true,
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
  ...changes,
});

test('adds up the packages', () => {
  const reports = [
    report({ numPassedTests: 3, numPendingTests: 1 }),
    report({ numPassedTests: 2, numFailedTests: 1, numTodoTests: 1, success: false }),
  ];
  expect(countTests(reports)).toEqual({ passed: 5, failed: 1, skipped: 2 });
});

test('a file that cannot be loaded is one failure', () => {
  const unloadable = { status: 'failed', assertionResults: [] };
  expect(countTests([report({ success: false, testResults: [unloadable] })]).failed).toBe(1);
});

test('a run that fails without a failed test is one failure', () => {
  expect(countTests([report({ success: false, numPassedTests: 9 })])).toMatchObject({ passed: 9, failed: 1 });
});

test('no reports count for nothing', () => {
  expect(countTests([])).toEqual({ passed: 0, failed: 0, skipped: 0 });
});
