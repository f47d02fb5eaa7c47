/** Loaded with `--import` before the user's program: leaves the suite for it to call, and writes the verdicts to a file. */
import { writeFile } from 'node:fs/promises';
import type { Shape } from '../shapes/shape.ts';
import { runShapes, type SuiteOptions } from './client.ts';

export interface PreloadSettings extends SuiteOptions {
  readonly verdicts: string;
}

const settings = JSON.parse(process.env['SHAPES_SETTINGS'] ?? '{}') as PreloadSettings;

Object.defineProperty(globalThis, Symbol.for('splitrock.shapes'), {
  value: async (shapes: readonly Shape[]): Promise<void> => {
    await writeFile(settings.verdicts, JSON.stringify(await runShapes(shapes, settings)));
  },
});
