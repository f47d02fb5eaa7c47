/** `count-tests.ts FOLDER` prints `PASSED FAILED SKIPPED`, read from the vitest reports in the folder; `.ci/run` uses it. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { countTests, type TestReport } from './ci/count-tests.ts';
import { readJson } from './workspace.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name the folder that holds the reports.');
const reports = globSync('*.json', { cwd: folder }).map((name) => readJson(join(folder, name)) as TestReport);
const { passed, failed, skipped } = countTests(reports);
process.stdout.write(`${passed} ${failed} ${skipped}\n`);
