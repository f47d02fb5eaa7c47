/** Bytes and streams for the suite. */
import { isSplitrockError, type ObjectInfo } from '@splitrock/core/plugin';

/** `length` bytes that depend on their position and on `seed`, so that a wrong byte, part or object shows. */
export function patternBytes(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761) >>> 0;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const asText = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

/** Whether two byte arrays are equal; far quicker than a deep comparison, and it prints no megabytes. */
export const sameBytes = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;

/** The bytes as a stream of chunks of `chunkBytes`. */
export async function* streamOf(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array, void, void> {
  for (let offset = 0; offset < bytes.length; offset += chunkBytes) yield bytes.subarray(offset, offset + chunkBytes);
}

/** The chunks of a stream, in one array. */
export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function listAll(infos: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> {
  const all: ObjectInfo[] = [];
  for await (const info of infos) all.push(info);
  return all;
}

export const listKeys = async (infos: AsyncIterable<ObjectInfo>): Promise<string[]> =>
  (await listAll(infos)).map(({ key }) => key);

/** Keys in the order that the contract wants: that of their UTF-8 bytes. */
export const inKeyOrder = (keys: Iterable<string>): string[] =>
  [...keys].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));

/** What a promise rejects with; fails when it resolves. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`expected a rejection, but the promise resolved with ${JSON.stringify(value)}`);
}

/** Runs `check` until it returns something but `undefined`; fails, saying what it waited for, after `patienceMs`. */
export async function eventually<T>(
  what: string,
  patienceMs: number,
  check: () => Promise<T | undefined>,
  pauseMs = 10,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const value = await check();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`still waiting after ${patienceMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** An error's code; of one that has none its text, so that a case that fails shows what came. */
export const codeOf = (error: unknown): string => (isSplitrockError(error) ? error.code : String(error));
