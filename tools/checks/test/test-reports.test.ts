import { expect, test } from 'vitest';
import { countTests, failuresOf, type TestReport } from '../src/ci/test-reports.ts';

const report = (changes: Partial<TestReport>): TestReport => ({
  success: true,
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
  ...changes,
});

const file = (changes: Partial<TestReport['testResults'][number]>) => ({
  name: 'a.test.ts',
  status: 'passed',
  message: '',
  assertionResults: [],
  ...changes,
});

const failedTest = { fullName: 'adds', status: 'failed', failureMessages: ['expected 3 to be 4'] };
const passedTest = { fullName: 'subtracts', status: 'passed', failureMessages: [] };

test('adds up the packages', () => {
  const reports = [
    report({ numPassedTests: 3, numPendingTests: 1 }),
    report({
      numPassedTests: 2,
      numFailedTests: 1,
      numTodoTests: 1,
      success: false,
      testResults: [file({ status: 'failed', assertionResults: [passedTest, failedTest] })],
    }),
  ];
  expect(countTests(reports)).toEqual({ passed: 5, failed: 1, skipped: 2 });
});

test('tells which test failed, and what it said', () => {
  const testResults = [file({ status: 'failed', assertionResults: [passedTest, failedTest] })];
  expect(failuresOf('core', report({ success: false, testResults }))).toEqual([
    { where: 'a.test.ts', test: 'adds', message: 'expected 3 to be 4' },
  ]);
});

test('a file that fails without a failed test is one failure', () => {
  const unloadable = report({ success: false, testResults: [file({ status: 'failed', message: 'no such module' })] });
  const notSetUp = report({
    success: false,
    testResults: [file({ status: 'failed', message: 'no server', assertionResults: [passedTest] })],
  });
  expect(countTests([unloadable, notSetUp]).failed).toBe(2);
  expect(failuresOf('core', unloadable)).toMatchObject([{ where: 'a.test.ts', message: 'no such module' }]);
  expect(failuresOf('core', notSetUp)).toMatchObject([{ where: 'a.test.ts', message: 'no server' }]);
});

test('a run that fails without a failed file is one failure', () => {
  const run = report({ success: false, numPassedTests: 9 });
  expect(countTests([run])).toMatchObject({ passed: 9, failed: 1 });
  expect(failuresOf('core', run)).toMatchObject([{ where: 'core' }]);
});

test('no reports count for nothing', () => {
  expect(countTests([])).toEqual({ passed: 0, failed: 0, skipped: 0 });
});
