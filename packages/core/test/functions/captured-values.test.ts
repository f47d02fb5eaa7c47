/** Random captured values: they come back exactly, functions and classes among them included, or are refused with their path. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { isSplitrockError } from '../../src/errors/splitrock-error.ts';
import { loadFunction } from '../../src/functions/load-function.ts';
import type { ShipError } from '../../src/functions/ship-errors.ts';
import type { AnyFunction } from '../../src/functions/capture-options.ts';
import type { ShippedFunction } from '../../src/functions/ship-function.ts';
import { arbitraryGraph } from '../codec/arbitrary-graph.ts';
import { graphDifference } from '../codec/graph-difference.ts';
import { shipper, temporaryFolder } from './harness/round-trip.ts';

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

class Box {
  static shelf: unknown;
  readonly content: unknown;
  constructor(content: unknown) {
    this.content = content;
  }
  open(): unknown {
    return this.content;
  }
  readonly look = (): unknown => this.content;
}
class Crate extends Box {
  override open(): unknown {
    return [super.open()];
  }
}

/** At module level: two closures of a function's variable could only be told to share it from the whole heap. */
let latest: unknown;

/** Everything that holds values in another way than data does, around one random graph. */
function hold(pool: readonly unknown[]) {
  latest = pool[0];
  const objects = pool.filter(isObject);
  const boxes = pool.map((value, index) => (index % 2 === 0 ? new Box(value) : new Crate(value)));
  Box.shelf = pool.at(-1);
  return {
    pool,
    boxes,
    closures: pool.map((value) => () => value),
    bound: pool.map((value) => identity.bind(undefined, value)),
    accessors: pool.map((value) => Object.defineProperty({}, 'value', { get: () => value, enumerable: true })),
    weak: new WeakMap(objects.map((value, index) => [value, [index, value]])),
    known: new WeakSet(objects.slice(1)),
    read: () => latest,
    write: (value: unknown) => {
      latest = value;
    },
  };
}

function identity(value: unknown): unknown {
  return value;
}

type Held = ReturnType<typeof hold>;

/** What can be seen of it, as data: the same on both sides, shared references included. */
function view({ pool, boxes, closures, bound, accessors, weak, known, read, write }: Held): unknown {
  const before = read();
  write(pool.at(-1));
  const seen = [
    before,
    read(),
    pool,
    boxes.map((box) => [box.open(), box.look(), box instanceof Crate, box instanceof Box]),
    closures.map((closure) => closure()),
    bound.map((fn) => fn()),
    accessors.map((object) => (object as { value: unknown }).value),
    pool.map((value) => isObject(value) && [weak.get(value), known.has(value)]),
    Box.shelf,
  ];
  write(before);
  return seen;
}

const own = shipper();

async function ship(fn: AnyFunction): Promise<ShippedFunction> {
  return own.ship(own.capture(fn));
}

describe('random captured values', () => {
  it('are on the worker what they were at home, each reference to the same thing', async () => {
    const cacheDirectory = await temporaryFolder();
    await fc.assert(
      fc.asyncProperty(arbitraryGraph, async (graph) => {
        const held = hold(graph as unknown[]);
        const loaded = await loadFunction({ ...(await ship(() => view(held))), cacheDirectory });
        expect(graphDifference(loaded.call(undefined, {}), view(held))).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });

  const culprits: Readonly<Record<string, () => unknown>> = {
    SHIP_PROMISE: () => Promise.resolve(1),
    SHIP_PROXY: () => new Proxy({}, {}),
    SHIP_ITERATOR: () => [1][Symbol.iterator](),
    SHIP_WEAKREF: () => new WeakRef({}),
    SHIP_SHARED_MEMORY: () => new Uint8Array(new SharedArrayBuffer(8)),
    SHIP_STREAM: () => new ReadableStream(),
    SHIP_HANDLE: () => new MessageChannel().port1,
    SHIP_BUILTIN_INSTANCE: () => new Intl.Collator(),
  };
  const step = fc.oneof(fc.constantFrom('a', 'b', 'settings'), fc.nat(3));

  it('that hold one thing which cannot travel are refused with the way to it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(culprits)),
        fc.array(step, { maxLength: 6 }),
        arbitraryGraph,
        (code, steps, other) => {
          const wrapped = steps.reduceRight<unknown>(
            (inner, key) => (typeof key === 'string' ? { before: other, [key]: inner } : [...Array(key).keys(), inner]),
            (culprits[code] as () => unknown)(),
          );
          const path = steps.map((key) => (typeof key === 'string' ? `.${key}` : `[${key}]`)).join('');
          const error = refusalOf(() => [other, wrapped]);
          expect([error?.code, error?.path.join('')]).toEqual([code, `wrapped${path}`]);
        },
      ),
      { numRuns: 150 },
    );
  });
});

function refusalOf(fn: AnyFunction): ShipError | undefined {
  try {
    own.capture(fn);
  } catch (error) {
    return error as ShipError;
  }
  return undefined;
}

describe('damaged captured values', () => {
  let shipped: ShippedFunction;
  let calls = 0;
  const reach = globalThis as { splitrockTestCalled?: () => void };
  reach.splitrockTestCalled = () => (calls += 1);

  beforeAll(async () => {
    const held = hold([{ a: [1, new Date(0)] }, new Map([['k', /x/]]), new Uint8Array(5000), 'text', 7n]);
    shipped = await ship(() => {
      reach.splitrockTestCalled?.();
      return view(held);
    });
  });

  const call = async (environment: Uint8Array, folder: string): Promise<string> => {
    try {
      (await loadFunction({ ...shipped, environment, cacheDirectory: folder })).call(undefined, {});
      return 'called';
    } catch (error) {
      return isSplitrockError(error) ? error.code : 'thrown by the function';
    }
  };

  it('are refused by name, with any byte changed or cut off anywhere, and the function does not run', async () => {
    const folder = await temporaryFolder();
    const { environment } = shipped;
    expect(await call(environment, folder)).toBe('called');
    calls = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(environment.length - 1), fc.integer({ min: 0, max: 255 }), async (at, change) => {
        const damaged = Uint8Array.from(environment);
        damaged[at] = (damaged[at] as number) ^ change;
        const bytes = change === 0 ? environment.subarray(0, at) : damaged;
        expect(await call(bytes, folder)).toMatch(/^DATA_(?:CORRUPT|VERSION)$/);
      }),
      { numRuns: 1000 },
    );
    expect(calls).toBe(0);
  });

  it('are refused, or are other values, even when somebody made the checksum right again', async () => {
    const folder = await temporaryFolder();
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const damaged = Buffer.from(shipped.environment);
        for (const [at, byte] of changes) damaged[11 + (at % (damaged.length - 11))] = byte;
        damaged.writeUInt32LE(crc32(damaged.subarray(8)), 4);
        expect(await call(damaged, folder)).toMatch(/^(?:DATA_(?:CORRUPT|VERSION)|called|thrown by the function)$/);
      }),
      { numRuns: 1000 },
    );
  });
});
