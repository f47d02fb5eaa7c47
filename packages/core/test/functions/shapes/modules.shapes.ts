import { createRequire } from 'node:module';
import settings from './lib/settings.json' with { type: 'json' };
import tinyInterop from 'tiny-interop';
import { named } from 'tiny-interop';
import { shape, type Shape } from './shape.ts';

const require = createRequire(import.meta.url);
const required = require('tiny-cjs') as (value: unknown) => string;
const { twice } = require('tiny-cjs') as { twice(value: number): number };
const later = await Promise.resolve({ answer: 42 });
const { chunk: dynamicChunk } = await import('tiny-esm');
const namedByEval = 'hidden in the text of an eval';

/** What only ES modules can say. */
export const modules: Shape[] = [
  shape('45 JSON import', 1, (ship) => ship(() => [settings.port, settings.host])),
  shape('46 dynamic import() of an own file', 3, (ship) =>
    ship(async (x: number) => {
      const { Point, scale } = await import('./lib/geometry.ts');
      return scale(new Point(3, 4), x).norm();
    }),
  ),
  shape('47 dynamic import() of a package', [1, 2, 3], (ship) =>
    ship(async (x: number[]) => {
      const { chunk } = await import('tiny-esm');
      return chunk(x, 2);
    }),
  ),
  shape('58 const from top-level await', 1, (ship) => ship(() => later.answer)),
  shape('58b package from top-level import()', [1, 2, 3], (ship) => ship((x: number[]) => dynamicChunk(x, 2))),
  shape('64 createRequire const', 4, (ship) => ship((x: number) => [required(x), twice(x)])),
  shape('64b require inside the function', 4, (ship) =>
    ship((x: number) => (require('tiny-cjs') as { twice(value: number): number }).twice(x)),
  ),
  shape('a CommonJS package with __esModule, as Node imports it', 4, (ship) =>
    ship((x: number) => [typeof tinyInterop, named(x)]),
  ),
  shape('61 direct eval of a name in the text', 1, (ship) =>
    // eslint-disable-next-line no-eval -- this shape is what is tried
    ship(() => [namedByEval.length, eval('namedByEval.length')]),
  ),
];
