import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  DataStorages,
  dataSetPartitions,
  objects,
  silentLogger,
  systemClock,
  type DataSet,
  type DataSource,
  type Partition,
} from '@splitrock/core/plugin';
import { CUT_EXAMPLES, cutCases, troubleWithParts, type CutCase } from '../datasets/contents.ts';
import { rejectionOf, sameBytes, text } from './bytes.ts';
import type { SuiteContext } from './subject.ts';

const LONG_ROW_BYTES = 50_000_000;

/** Not of one storage's methods, but of what users build on them: every byte and every row of a data set, once. */
export function dataSetTests(suite: SuiteContext): void {
  describe('objects as data sets', () => {
    let storages: DataStorages;

    beforeAll(() => {
      const deps = { logger: silentLogger, clock: systemClock };
      const load = (): never => {
        throw new Error('only the own storage is read');
      };
      storages = new DataStorages({ own: suite.storage, names: [], load, deps });
    });
    afterAll(() => storages.close());

    const partitions = (dataSet: DataSet): AsyncIterable<Partition> =>
      dataSetPartitions(dataSet, { storages, cwd: '/' });
    const listed = async (source: DataSource | DataSource[]): Promise<string[]> => {
      const names: string[] = [];
      for await (const part of partitions(objects(source))) names.push(part.name);
      return names;
    };
    const check = async (given: CutCase): Promise<void> => {
      const key = `${suite.freshPrefix()}object`;
      await suite.storage.put(key, given.content);
      expect(await troubleWithParts(key, given, partitions)).toBeUndefined();
      await suite.storage.delete(key);
    };

    it('have every byte and every row once, in order, whatever is in them and however they are cut', async () => {
      await fc.assert(fc.asyncProperty(cutCases, check), {
        numRuns: suite.options.propertyRuns,
        includeErrorInReport: true,
      });
    });

    it.each(CUT_EXAMPLES)('are exact with %s', async (_name, content, newline) => {
      await check({ content, newline: Buffer.from(newline), cut: { chunks: 5 } });
    });

    it('are exact with a row of 50 MB, or as large as may be, in many parts', async () => {
      const key = `${suite.freshPrefix()}long`;
      const content = Buffer.alloc(Math.min(LONG_ROW_BYTES + 20, suite.storage.limits.maxObjectBytes), 'x');
      content.write('first row\n');
      content.write('\nlast', content.length - 5);
      await suite.storage.put(key, content);
      const given = { content, newline: Buffer.from('\n'), cut: { chunks: 6 } };
      expect(await troubleWithParts(key, given, partitions)).toBeUndefined();
      await suite.storage.delete(key);
    });

    it('are found by prefix and pattern, in the order of their keys', async () => {
      const here = suite.freshPrefix();
      for (const name of ['b.csv', 'a.csv', 'a/c.csv', 'é.csv', 'x.txt', 'folder/']) {
        await suite.storage.put(here + name, text(name));
      }
      expect(await listed(here)).toEqual(['a.csv', 'a/c.csv', 'b.csv', 'x.txt', 'é.csv'].map((name) => here + name));
      expect(await listed(`${here}*.csv`)).toEqual(['a.csv', 'b.csv', 'é.csv'].map((name) => here + name));
      expect(await listed(`${here}**/*.csv`)).toEqual(
        ['a.csv', 'a/c.csv', 'b.csv', 'é.csv'].map((name) => here + name),
      );
      expect(await listed([`${here}x.txt`, here])).toHaveLength(5);
      expect(await rejectionOf(listed(`${here}*.json`))).toMatchObject({ code: 'DATASET_NOT_FOUND' });
      expect(await rejectionOf(listed(`${here}nothing`))).toMatchObject({ code: 'DATASET_NOT_FOUND' });
    });

    it.each(['replaced by one as long', 'deleted', 'filled, when it was empty'])(
      'are read no more once they were %s',
      async (change) => {
        const key = `${suite.freshPrefix()}changing`;
        await suite.storage.put(key, text(change.startsWith('filled') ? '' : 'a\nb\nc\n'));
        const parts: Partition[] = [];
        for await (const part of partitions(objects(key, { chunks: 2 }))) parts.push(part);
        if (change === 'deleted') await suite.storage.delete(key);
        else await suite.storage.put(key, text('A\nB\nC\n'));
        for (const part of parts) {
          expect(await rejectionOf(part.bytes())).toMatchObject({ code: 'DATASET_CHANGED' });
        }
      },
    );

    it('stream', async () => {
      const key = `${suite.freshPrefix()}streamed`;
      const bytes = Buffer.alloc(suite.options.largeObjectBytes, 'some rows\n');
      await suite.storage.put(key, bytes);
      for await (const part of partitions(objects(key))) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of part.stream()) chunks.push(chunk);
        expect(chunks.length).toBeGreaterThan(1);
        expect(sameBytes(Buffer.concat(chunks), bytes)).toBe(true);
      }
    });
  });
}
