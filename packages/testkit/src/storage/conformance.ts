/**
 * The storage contract in executable form. A storage conforms when every test of {@link describeStorageConformance}
 * passes; capabilities it does not have are declared, never silently skipped.
 */
import { describe, expect, it } from 'vitest';
import { abortingTests } from './aborting.ts';
import { listKeys } from './bytes.ts';
import { capabilityTests } from './capabilities.ts';
import { closingTests } from './closing.ts';
import { concurrencyTests } from './concurrency.ts';
import { dataSetTests } from './data-sets.ts';
import { deletingTests } from './deleting.ts';
import { keyTests } from './keys.ts';
import { listingTests } from './listing.ts';
import { putAndGetTests } from './put-and-get.ts';
import { rangeTests } from './ranges.ts';
import { streamTests } from './streams.ts';
import { CASE_MS, useSubject, type StorageConformanceOptions } from './subject.ts';
import { versionTests } from './versions.ts';
import { watchingTests } from './watching.ts';

const DEFAULTS = { largeObjectBytes: 9 * 1024 * 1024, manyObjects: 1_050, propertyRuns: 40, patienceMs: 30_000 };

/**
 * Declares the conformance tests of a storage; call it in a vitest file.
 *
 * @example
 * ```ts
 * describeStorageConformance('memory', {
 *   capabilities: { watch: true, presign: false, expire: 'prompt' },
 *   setUp: async () => {
 *     const bucket = new MemoryBucket();
 *     return { open: async () => new MemoryStorage(options, deps, bucket), dispose: async () => {} };
 *   },
 * });
 * ```
 */
export function describeStorageConformance(name: string, options: StorageConformanceOptions): void {
  describe(`storage conformance: ${name}`, { timeout: CASE_MS }, () => {
    const suite = useSubject({ ...DEFAULTS, ...options });

    it('is empty at first', async () => {
      expect(await listKeys(suite.storage.list(''))).toEqual([]);
    });

    putAndGetTests(suite);
    rangeTests(suite);
    streamTests(suite);
    keyTests(suite);
    listingTests(suite);
    versionTests(suite);
    dataSetTests(suite);
    deletingTests(suite);
    concurrencyTests(suite);
    abortingTests(suite);
    capabilityTests(suite);
    watchingTests(suite);
    closingTests(suite);
  });
}
