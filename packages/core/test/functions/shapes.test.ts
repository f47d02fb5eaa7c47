/**
 * Every shape of function in every way in which users run their programs. Each mode is two processes: the user's program,
 * and a worker in another folder that sees neither the project nor this repository.
 *
 * A mode takes ten seconds or more, so that by default only one runs; `SPLITROCK_TEST_VARIANTS=all`, as in CI, runs them all.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODES, buildHalves } from './harness/modes.ts';
import { NODE } from './harness/node.ts';
import { MODE_DEADLINE_MS, runMode } from './harness/run-mode.ts';

const EVERYDAY = 'type stripping';

const runsAll = process.env['SPLITROCK_TEST_VARIANTS'] === 'all';

const halves = { folder: '', preload: '', worker: '' };

beforeAll(async () => {
  halves.folder = await mkdtemp(join(tmpdir(), 'splitrock-shapes-'));
  Object.assign(halves, await buildHalves(join(halves.folder, 'library')));
});

afterAll(() => rm(halves.folder, { recursive: true, force: true }));

describe.each(MODES)('$name', (mode) => {
  const skipped = !runsAll && mode.name !== EVERYDAY;
  const timeout = MODE_DEADLINE_MS + 20_000;
  it.skipIf(skipped)('ships every shape, or refuses it with the right error', { timeout }, async () => {
    const verdicts = await runMode(mode, { ...halves, node: NODE });
    expect(verdicts.length).toBeGreaterThan(100);
    expect(verdicts.filter(({ verdict }) => verdict !== 'right')).toEqual([]);
  });
});
