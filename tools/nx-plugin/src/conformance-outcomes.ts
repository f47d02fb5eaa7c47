/** Runs the conformance suite of a plugin and says of every case how it ended, in a form that can be compared with what is declared. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

/** Files of the declared outcomes of new plugins, by kind. */
export const declaredOutcomes = (kind: string): string => join(import.meta.dirname, `../declared/${kind}.txt`);

/**
 * - `pass`;
 * - `write`: it fails, because the author has something to write;
 * - `wait`: it did not begin, because the capability it needs is not declared, or its set-up has something to be written;
 * - `FAIL`: it fails for any other reason, which follows.
 *
 * @param vitest - The program and its first arguments.
 * @throws Error with all that vitest printed when it made no report.
 */
export function conformanceOutcomes(folder: string, vitest: readonly string[], env = process.env): readonly string[] {
  const reports = mkdtempSync(join(tmpdir(), 'splitrock-outcomes-'));
  const file = join(reports, 'report.json');
  const [program = '', ...args] = vitest;
  try {
    const { stdout, stderr, error } = spawnSync(program, [...args, 'run', '--reporter=json', `--outputFile=${file}`], {
      cwd: folder,
      // The report is read here; it is none of those that CI counts.
      env: { ...env, SPLITROCK_TEST_REPORTS: '' },
      encoding: 'utf8',
      maxBuffer: 256 << 20,
    });
    try {
      return outcomesOf(JSON.parse(readFileSync(file, 'utf8')) as Report);
    } catch (cause) {
      throw new Error(`vitest made no report: ${error?.message ?? ''}\n${stdout}\n${stderr}`, { cause });
    }
  } finally {
    rmSync(reports, { recursive: true });
  }
}

function outcomesOf({ testResults }: Report): readonly string[] {
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .map(({ ancestorTitles: [_suite, ...groups], title, status, failureMessages }) => {
      const name = [...groups, title].join(' > ');
      if (status === 'passed') return `pass   ${name}`;
      if (status !== 'failed') return `wait   ${name}`;
      const messages = (failureMessages ?? []).join('\n');
      return messages.includes('Write this: ') ? `write  ${name}` : `FAIL   ${name}: ${messages.split('\n')[0]}`;
    });
}
