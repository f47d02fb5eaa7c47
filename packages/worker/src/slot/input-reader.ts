/**
 * Reads the inputs of calls: given inline, or by ranged reads of the stored part that holds them.
 *
 * The offset table is read in pages and kept, and neighbouring small inputs are fetched with one read: those that wait in
 * this slot, and those that may come next.
 */
import {
  INPUT_GATHER,
  INPUT_PARTITION,
  INPUT_VALUE,
  Partition,
  SerializationError,
  decodeGather,
  decodePartitionSpec,
  inputPartKey,
  offsetTableRange,
  readOffsets,
  type Gather,
  type InputPart,
  type JobRef,
  type LoadedFunction,
  type PartitionReaders,
  type ResultLocation,
  type Storage,
} from '@splitrock/core/plugin';

/** Calls whose offsets are read at once: 32 KiB of table. */
const PAGE_CALLS = 4096;
/** Table pages kept; a slot works through a part from front to back, so few are used again. */
const MAX_PAGES = 16;
/** Inputs of calls that wait in this slot are fetched together up to this size. */
const MAX_READAHEAD_BYTES = 1024 * 1024;
/**
 * Those that follow come along up to this size, although they may run elsewhere: a store takes as long to answer for one
 * byte, and a slot that reads for every few calls makes calls look long, so that it is given but few again.
 */
const FREE_READAHEAD_BYTES = 64 * 1024;
/** Results that a gather fetches at the same time. */
const GATHER_CONCURRENCY = 16;

interface Page {
  readonly firstCall: number;
  readonly offsets: Float64Array;
}

/** Inputs that one read brings. */
interface Window {
  readonly key: string;
  readonly from: number;
  readonly to: number;
  readonly payloads: Promise<readonly Uint8Array[]>;
}

export class InputReader {
  readonly #job: JobRef;
  readonly #storage: Storage;
  readonly #pages = new Map<string, Promise<Page>>();
  #latest: Window | undefined;

  constructor(job: JobRef, storage: Storage) {
    this.#job = job;
    this.#storage = storage;
  }

  /**
   * The payload of a call's input, kind byte included. `neighbours` tells up to which call id (not included) this slot
   * will ask for the following inputs of the same part.
   */
  async payload(part: InputPart, callId: number, neighbours: number): Promise<Uint8Array> {
    const key = inputPartKey(this.#job, part);
    const latest = this.#latest;
    const holds = latest?.key === key && callId >= latest.from && callId < latest.to;
    const window = holds ? latest : await this.#openWindow(part, key, callId, neighbours);
    return (await window.payloads)[callId - window.from] as Uint8Array;
  }

  async #openWindow(part: InputPart, key: string, callId: number, neighbours: number): Promise<Window> {
    const page = await this.#page(part, key, callId);
    const first = callId - page.firstCall;
    const start = page.offsets[first] as number;
    const isNear = (index: number): boolean =>
      (page.offsets[index] as number) - start <=
      (index + page.firstCall <= neighbours ? MAX_READAHEAD_BYTES : FREE_READAHEAD_BYTES);
    let last = first + 1;
    while (last + 1 < page.offsets.length && isNear(last + 1)) last += 1;
    const payloads = this.#readPayloads(key, page.offsets.subarray(first, last + 1));
    const window: Window = { key, from: callId, to: page.firstCall + last, payloads };
    this.#latest = window;
    payloads.catch(() => {
      if (this.#latest === window) this.#latest = undefined;
    });
    return window;
  }

  async #readPayloads(key: string, offsets: Float64Array): Promise<readonly Uint8Array[]> {
    const start = offsets[0] as number;
    const length = (offsets.at(-1) as number) - start;
    const bytes = await this.#storage.get(key, { range: { offset: start, length: Math.max(1, length) } });
    if (bytes.length < length) throw cutOff(key);
    const payloads: Uint8Array[] = [];
    for (let index = 0; index + 1 < offsets.length; index += 1) {
      payloads.push(bytes.subarray((offsets[index] as number) - start, (offsets[index + 1] as number) - start));
    }
    return payloads;
  }

  #page(part: InputPart, key: string, callId: number): Promise<Page> {
    const firstCall = part.firstCall + Math.floor((callId - part.firstCall) / PAGE_CALLS) * PAGE_CALLS;
    const name = `${key}#${firstCall}`;
    const known = this.#pages.get(name);
    if (known !== undefined) return known;
    const page = this.#readPage(part, key, firstCall);
    this.#pages.set(name, page);
    page.catch(() => this.#pages.delete(name));
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= MAX_PAGES) break;
      this.#pages.delete(oldest);
    }
    return page;
  }

  async #readPage(part: InputPart, key: string, firstCall: number): Promise<Page> {
    const end = Math.min(firstCall + PAGE_CALLS, part.firstCall + part.calls);
    const range = offsetTableRange(part, firstCall, end);
    const table = await this.#storage.get(key, { range });
    if (table.length < range.length) throw cutOff(key);
    return { firstCall, offsets: readOffsets(part, table) };
  }
}

/** Makes a call's item of its input's payload; gathered results are fetched and decoded as they come. */
export async function decodeItem(payload: Uint8Array, fn: LoadedFunction, readers: PartitionReaders): Promise<unknown> {
  const body = payload.subarray(1);
  if (payload[0] === INPUT_VALUE) return fn.decodeInput(body);
  if (payload[0] === INPUT_GATHER) return gather(decodeGather(body), fn, readers.storages.own);
  if (payload[0] === INPUT_PARTITION) return new Partition(decodePartitionSpec(body), readers);
  throw new SerializationError(
    'DATA_CORRUPT',
    `A call's input is damaged [kind=${payload[0] ?? 'none'}]; the job must be submitted again.`,
  );
}

async function gather(wanted: Gather, fn: LoadedFunction, storage: Storage): Promise<unknown> {
  const values: unknown[] = Array.from({ length: wanted.results.length });
  let next = 0;
  const take = async (): Promise<void> => {
    while (next < wanted.results.length) {
      const index = next;
      next += 1;
      values[index] = fn.decodeInput(await bytesOf(wanted.results[index] as ResultLocation, storage));
    }
  };
  await Promise.all(Array.from({ length: Math.min(GATHER_CONCURRENCY, wanted.results.length) }, take));
  return wanted.single ? values[0] : values;
}

const bytesOf = (location: ResultLocation, storage: Storage): Uint8Array | Promise<Uint8Array> =>
  'inline' in location ? location.inline : storage.get(location.key);

const cutOff = (key: string): SerializationError =>
  new SerializationError('DATA_CORRUPT', `Input part is cut off [key=${key}]; the job must be submitted again.`);
