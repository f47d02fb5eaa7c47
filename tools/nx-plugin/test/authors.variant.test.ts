/**
 * New packages with what their authors write: each is built, and keeps the whole contract. What is written of a backend is the
 * worked example of docs/authoring.
 */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GeneratedWorkspace, ROOT } from './generated-workspace.ts';

/** Each is a build and a whole suite, whose cases have deadlines of their own. */
const TIMEOUT_MS = 600_000;
const REFERENCE = join(ROOT, 'packages/testkit/src/reference');

let workspace: GeneratedWorkspace;
beforeAll(() => {
  workspace = new GeneratedWorkspace();
});
afterAll(() => workspace[Symbol.dispose]());

/** Writes a file of a new package as its author does, from one of ours with other names. */
function author(from: string, to: string): void {
  const text = readFileSync(from, 'utf8').replaceAll('BlueTape', 'RedTape').replaceAll('Reference', 'RedTape');
  writeFileSync(to, text.replaceAll(/(?<=')(\.\/)?reference(?=[-'])/g, '$1red-tape'));
}

/** What a package is when its author is ready: built, and in its conformance run nothing fails and nothing is left to write. */
function outcomesOfReady(folder: string): readonly string[] {
  expect(workspace.build(folder)).toBe('');
  const outcomes = workspace.outcomes(folder);
  expect(outcomes.filter((outcome) => /^(?:FAIL|write)/.test(outcome))).toEqual([]);
  return outcomes;
}

const passed = (outcomes: readonly string[]): number => outcomes.filter((outcome) => outcome.startsWith('pass')).length;

it('a storage whose client was written keeps the contract', { timeout: TIMEOUT_MS }, async () => {
  const folder = await workspace.generate('storage', 'red-tape');
  author(join(import.meta.dirname, 'written/storage-client.ts'), join(folder, 'src/red-tape-client.ts'));
  expect(passed(outcomesOfReady(folder))).toBeGreaterThan(150);
});

it('a monitoring whose log was written keeps the contract', { timeout: TIMEOUT_MS }, async () => {
  const folder = await workspace.generate('monitoring', 'red-tape');
  author(join(import.meta.dirname, 'written/monitoring-reader.ts'), join(folder, 'src/red-tape-log-reader.ts'));
  author(join(import.meta.dirname, 'written/monitoring-writer.ts'), join(folder, 'src/red-tape-log-writer.ts'));
  const outcomes = outcomesOfReady(folder);
  expect(outcomes.filter((outcome) => !outcome.startsWith('pass'))).toEqual([]);
  expect(outcomes.length).toBeGreaterThan(30);
});

it('a backend that was written like the worked example keeps the contract', { timeout: TIMEOUT_MS }, async () => {
  const folder = await workspace.generate('backend', 'red-tape');
  for (const part of ['backend', 'call-source']) rmSync(join(folder, `src/red-tape-${part}.ts`));
  for (const file of readdirSync(REFERENCE)) {
    author(join(REFERENCE, file), join(folder, 'src', file.replace('reference', 'red-tape')));
  }
  const outcomes = outcomesOfReady(folder);
  // What waits needs a harness that can do more, as that of the reference backend can, or is not declared.
  const waits = outcomes.filter((outcome) => outcome.startsWith('wait'));
  expect(waits.filter((outcome) => !/ a whole worker dies | if it says so| a service /.test(outcome))).toEqual([]);
  expect(passed(outcomes)).toBeGreaterThan(30);
});
