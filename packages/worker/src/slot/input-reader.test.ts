/** Inputs are read exactly, and with few reads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeInputPart, inputPartKey, type GetOptions } from '@splitrock/core/plugin';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DirectoryStorage } from '../../test/directory-storage.ts';
import { InputReader } from './input-reader.ts';

const JOB = { executorId: 'abcdefghijkl', jobNumber: 1 };
const FIRST_CALL = 100;

class CountingStorage extends DirectoryStorage {
  /** Bytes of each read. */
  readonly reads: number[] = [];

  override async get(key: string, options?: GetOptions): Promise<Uint8Array> {
    const bytes = await super.get(key, options);
    this.reads.push(bytes.length);
    return bytes;
  }
}

let directory: string;
let storage: CountingStorage;
let reader: InputReader;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'splitrock-inputs-'));
  storage = new CountingStorage(directory);
  reader = new InputReader(JOB, storage);
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A part of as many calls, whose inputs are so long and begin with their call's number. */
async function store(
  calls: number,
  bytesEach: number,
): Promise<(callId: number, neighbours?: number) => Promise<number>> {
  const part = { firstCall: FIRST_CALL, calls };
  const payloads = Array.from({ length: calls }, (_, index) => {
    const payload = new Uint8Array(bytesEach);
    new DataView(payload.buffer).setUint32(0, FIRST_CALL + index);
    return payload;
  });
  await storage.put(inputPartKey(JOB, part), encodeInputPart(FIRST_CALL, payloads));
  return async (callId, neighbours = callId + 1) => {
    const payload = await reader.payload(part, callId, neighbours);
    expect(payload.length).toBe(bytesEach);
    return new DataView(payload.buffer, payload.byteOffset).getUint32(0);
  };
}

it('one read brings small inputs of later calls along, whether or not they wait here', async () => {
  const read = await store(1_000, 4);
  for (const callId of [100, 101, 350, 351, 1_099]) expect(await read(callId)).toBe(callId);
  // One page of the table of offsets, and one of inputs.
  expect(storage.reads).toEqual([8 * 1_001, 4_000]);
});

it('inputs that do not follow the latest read are read anew', async () => {
  const read = await store(1_000, 4);
  for (const callId of [600, 100, 599, 600]) expect(await read(callId)).toBe(callId);
  expect(storage.reads.slice(1)).toEqual([4 * 500, 4_000]);
});

it('large inputs are read one by one, unless their calls wait here', async () => {
  const read = await store(8, 40 * 1024);
  expect(await read(100)).toBe(100);
  expect(await read(102, 105)).toBe(102);
  expect(await read(104)).toBe(104);
  expect(storage.reads.slice(1)).toEqual([40 * 1024, 3 * 40 * 1024]);
});

it('no read is larger than it may be, but for a single input that is', async () => {
  const read = await store(4, 700 * 1024);
  expect(await read(100, 104)).toBe(100);
  expect(await read(101, 104)).toBe(101);
  expect(storage.reads.slice(1)).toEqual([700 * 1024, 700 * 1024]);
});
