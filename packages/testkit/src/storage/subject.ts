/** What the storage conformance suite needs to know of the storage under test. */
import { afterAll, beforeAll } from 'vitest';
import type { Storage } from '@splitrock/core/plugin';

/** A store with objects of its own, at first empty, and clients of it. */
export interface StorageSubject {
  /** Opens another client of the same objects. The suite closes it. */
  open(): Promise<Storage>;
  /** Removes the objects and whatever was started for them; called when all clients are closed. */
  dispose(): Promise<void>;
}

export interface StorageConformanceOptions {
  /** Makes the store that one run of the suite uses. */
  readonly setUp: () => Promise<StorageSubject>;
  /** Capabilities the storage has. The suite fails when the storage says otherwise, so that none is skipped unseen. */
  readonly capabilities: {
    readonly watch: boolean;
    readonly presign: boolean;
    /** `prompt`: within seconds of the time; `slow`: the store takes hours or days, so that only the call is tried. */
    readonly expire: 'prompt' | 'slow' | false;
  };
  /** Bytes of the objects that are large for this store (several chunks or parts). @defaultValue 9 MiB */
  readonly largeObjectBytes?: number;
  /** Objects in the long listings and deletions; more than the store handles at once. @defaultValue 1_050 */
  readonly manyObjects?: number;
  /** Random cases per property. @defaultValue 40 */
  readonly propertyRuns?: number;
  /** Deadline for what should be told or gone soon, in milliseconds. @defaultValue 30_000 */
  readonly patienceMs?: number;
}

/** Longest time of a case, and of what is done before or after it: for a busy machine and a store that is far away. */
export const CASE_MS = 120_000;

/** What the parts of the suite share. */
export interface SuiteContext {
  readonly options: Required<StorageConformanceOptions>;
  /** The client that most tests use. */
  readonly storage: Storage;
  /** Another client of the same objects; closed by the suite. */
  openAnother(): Promise<Storage>;
  /** A prefix that no other test uses; ends with `/`. */
  freshPrefix(): string;
}

/** Sets the subject up before the tests of the surrounding `describe` and takes it down after them. */
export function useSubject(options: Required<StorageConformanceOptions>): SuiteContext {
  let subject: StorageSubject | undefined;
  let storage: Storage | undefined;
  const others: Storage[] = [];
  let prefixes = 0;

  beforeAll(async () => {
    subject = await options.setUp();
    storage = await subject.open();
  }, CASE_MS);

  afterAll(async () => {
    await Promise.all(others.map((other) => other.close()));
    await storage?.close();
    await subject?.dispose();
  }, CASE_MS);

  return {
    options,
    get storage() {
      return started(storage);
    },
    async openAnother() {
      const other = await started(subject).open();
      others.push(other);
      return other;
    },
    freshPrefix: () => `t${String(++prefixes).padStart(4, '0')}/`,
  };
}

function started<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the storage under test could not be set up; see the error of beforeAll');
  return value;
}
