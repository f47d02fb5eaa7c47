import { beforeAll, describe, expect, it } from 'vitest';
import { isSplitrockError } from '@splitrock/core/plugin';
import { listAll, patternBytes, readAll, rejectionOf, sameBytes } from './bytes.ts';
import { CASE_MS, type SuiteContext } from './subject.ts';

export function versionTests(suite: SuiteContext): void {
  describe.each(['small', 'large'])('the version of a %s object', (size) => {
    let key = '';
    let bytes = new Uint8Array(0);
    let version = '';

    const put = async (seed: number): Promise<void> => {
      bytes = patternBytes(size === 'small' ? 1_000 : suite.options.largeObjectBytes, seed) as typeof bytes;
      await suite.storage.put(key, bytes);
    };
    const versionNow = async (): Promise<string> => (await suite.storage.head(key))?.version ?? '';
    const expectChanged = async (): Promise<void> => {
      for (const range of [undefined, { offset: 10, length: 5 }]) {
        const options = { range, ifVersion: version };
        expect(isSplitrockError(await rejectionOf(suite.storage.get(key, options)), 'STORAGE_OBJECT_CHANGED')).toBe(
          true,
        );
        expect(
          isSplitrockError(await rejectionOf(readAll(suite.storage.getStream(key, options))), 'STORAGE_OBJECT_CHANGED'),
        ).toBe(true);
      }
    };

    beforeAll(async () => {
      key = `${suite.freshPrefix()}versioned`;
      await put(1);
      version = await versionNow();
    }, CASE_MS);

    it('is told by head and list alike', async () => {
      expect(version).not.toBe('');
      expect((await listAll(suite.storage.list(key))).map((info) => info.version)).toEqual([version]);
      expect(await versionNow()).toBe(version);
    });

    it('lets whoever knows it read it', async () => {
      expect(sameBytes(await suite.storage.get(key, { ifVersion: version }), bytes)).toBe(true);
      expect(sameBytes(await readAll(suite.storage.getStream(key, { ifVersion: version })), bytes)).toBe(true);
      const range = { offset: 10, length: 5 };
      expect(sameBytes(await suite.storage.get(key, { range, ifVersion: version }), bytes.subarray(10, 15))).toBe(true);
    });

    it('is another one once other bytes of the same length are there; who wants the old one is told', async () => {
      await put(2);
      expect(await versionNow()).not.toBe(version);
      await expectChanged();
    });

    it('does not come back', async () => {
      const seen = new Set([version]);
      for (let seed = 3; seed < 6; seed++) {
        await put(seed);
        seen.add(await versionNow());
      }
      expect(seen.size).toBe(4);
      await expectChanged();
    });

    it('of an object that is gone cannot be read', async () => {
      await suite.storage.delete(key);
      const error = await rejectionOf(suite.storage.get(key, { ifVersion: version }));
      expect(['STORAGE_OBJECT_NOT_FOUND', 'STORAGE_OBJECT_CHANGED']).toContain((error as { code?: unknown }).code);
    });
  });
}
