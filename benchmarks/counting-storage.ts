/**
 * Local storage that counts its operations, in every process that uses it: one file per process, which holds the count.
 * Used as a plugin by path, so that clients and workers load it alike.
 */
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { defineStorage, type Storage } from '@splitrock/core/plugin';
import { plugin as local } from '@splitrock/storage-local';

const COUNTED = new Set(['put', 'get', 'getStream', 'head', 'delete', 'deleteMany', 'list']);

interface LocalOptions {
  readonly directory: string;
}

export const plugin = defineStorage({
  ...local,
  name: 'counting',
  async createStorage(options, deps) {
    return counting(await local.createStorage(options, deps), `${(options as LocalOptions).directory}-operations`);
  },
});

/** All operations counted so far. */
export function countedOperations(directory: string): number {
  return readdirSync(`${directory}-operations`)
    .map((file) => readFileSync(join(`${directory}-operations`, file)))
    .reduce((sum, bytes) => sum + (bytes.length === 8 ? Number(bytes.readBigUInt64LE()) : 0), 0);
}

function counting(storage: Storage, folder: string): Storage {
  mkdirSync(folder, { recursive: true });
  const file = openSync(join(folder, `${process.pid}-${process.hrtime.bigint()}`), 'w');
  const count = new BigUint64Array(1);
  const bytes = Buffer.from(count.buffer);
  return new Proxy(storage, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        if (typeof name === 'string' && COUNTED.has(name)) {
          count[0] = (count[0] ?? 0n) + 1n;
          // At once: a worker may be killed, and its operations count all the same.
          writeSync(file, bytes, 0, 8, 0);
        }
        if (name === 'close') closeSync(file);
        return Reflect.apply(member, target, args);
      };
    },
  });
}
