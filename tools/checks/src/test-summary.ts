/**
 * `test-summary.ts FOLDER` prints `PASSED FAILED SKIPPED`, read from the vitest reports in the folder, and below it each
 * failed test with what it said. `.ci/run` uses it.
 */
import { globSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { countTests, failuresOf, type TestReport } from './ci/test-reports.ts';
import { readJson } from './workspace.ts';

/** Lines of a failure's message that are shown: the error and where it comes from, not a whole log. */
const MESSAGE_LINES = 20;

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name the folder that holds the reports.');
const reports = globSync('*.json', { cwd: folder }).map((name) => ({
  name: basename(name, '.json'),
  report: readJson(join(folder, name)) as TestReport,
}));
const { passed, failed, skipped } = countTests(reports.map(({ report }) => report));
const failures = reports.flatMap(({ name, report }) => failuresOf(name, report));
const lines = failures.flatMap(({ where, test, message }) => [
  `${relative(process.cwd(), where)} > ${test}`,
  ...message.split('\n', MESSAGE_LINES).map((line) => `    ${line}`),
]);
process.stdout.write(`${[`${passed} ${failed} ${skipped}`, ...lines].join('\n')}\n`);
