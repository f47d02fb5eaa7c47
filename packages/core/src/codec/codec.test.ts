import { describe, expect, it } from 'vitest';
import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { createSecretKey } from 'node:crypto';
import { createServer } from 'node:net';
import { createContext, runInContext } from 'node:vm';
import { serialize } from 'node:v8';
import { graphDifference } from '../../test/codec/graph-difference.ts';
import { isSplitrockError, type SplitrockError } from '../errors/splitrock-error.ts';
import { decodeValue, encodeValue, type CodecWarning } from './codec.ts';
import { RemoteError } from './remote-error.ts';

function roundTrip<T>(value: T): T {
  return decodeValue(encodeValue(value)) as T;
}

function refusal(work: () => unknown): SplitrockError {
  try {
    work();
  } catch (error) {
    if (isSplitrockError(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const shared = new ArrayBuffer(32);
const cyclic: { self?: unknown; map: Map<unknown, unknown> } = { map: new Map() };
cyclic.self = cyclic;
cyclic.map.set(cyclic.map, cyclic);
const chain = Object.create(Object.create({ base: 1 }, { middle: { value: 2 } }) as object, {
  own: { value: 3, enumerable: true },
}) as object;
class Tags extends Array<string> {}
void Tags;

const CARRIED: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  booleans: () => [true, false],
  'numbers of every kind': () => [
    0,
    -0,
    1,
    -1,
    1.5,
    NaN,
    Infinity,
    -Infinity,
    2 ** 31,
    -(2 ** 31),
    Number.MAX_SAFE_INTEGER,
    5e-324,
  ],
  bigints: () => [0n, -1n, 123n, -(1n << 300n), 1n << 64n],
  'strings, also with lone surrogates': () => [
    '',
    'ascii',
    'naïve',
    '漢字',
    '\ud800',
    'x\udc00y',
    '\0',
    'é'.repeat(5000),
    '漢'.repeat(5000),
  ],
  'missing and undefined properties': () => ({ there: undefined }),
  'a __proto__ key': () => JSON.parse('{"__proto__": {"polluted": true}, "deep": {"__proto__": 1}}') as unknown,
  'index-like keys': () => ({ 10: 'b', 2: 'a', '-1': 'c', '01': 'd', 4294967295: 'e' }),
  'arrays with holes': () => [1, , 3, , ,], // eslint-disable-line no-sparse-arrays -- holes are the point
  'an empty array of a length': () => Object.assign([], { length: 5 }),
  'a huge sparse array': () => Object.assign([], { 4294967294: 'last', 5: 'early' }),
  'arrays with other properties': () => Object.assign([1, 2], { extra: 'x', '-1': 0 }),
  'a long array with other properties': () =>
    Object.assign(
      Array.from({ length: 1000 }, (_, index) => index),
      { extra: new Date(0) },
    ),
  'a match of a regular expression': () => /(?<year>\d+)/.exec('in 2024'),
  'an array with a fixed length': () => Object.defineProperty([1, 2], 'length', { writable: false }),
  'an array with a read-only element': () => Object.defineProperty([1, 2], 1, { value: 3, writable: false }),
  'arguments objects': () =>
    Reflect.apply(
      function () {
        return arguments;
      },
      undefined,
      [1, 'two', {}],
    ) as unknown,
  maps: () =>
    new Map<unknown, unknown>([
      [1, 'a'],
      [{}, new Map()],
      [NaN, -0],
    ]),
  sets: () => new Set([1, 'a', {}, new Set([NaN])]),
  'dates, also invalid': () => [new Date(0), new Date(-1), new Date(NaN)],
  'dates with properties': () => Object.assign(new Date(5), { zone: 'UTC' }),
  'regular expressions with their position': () => [
    /a\/b/gimsuy,
    new RegExp('[\\p{L}--[a-z]]', 'dv'),
    new RegExp(''),
    Object.assign(/x/g, { lastIndex: 4 }),
  ],
  'errors of every class': () => [
    new Error('e'),
    new TypeError('t'),
    new RangeError('r'),
    new SyntaxError('s'),
    new ReferenceError('f'),
    new EvalError('v'),
    new URIError('u'),
  ],
  'errors with cause, code and own properties': () =>
    Object.assign(new TypeError('outer', { cause: new Error('inner', { cause: 5 }) }), { code: 'E', list: [1] }),
  'an AggregateError with its errors': () => new AggregateError([new Error('a'), 'b', new AggregateError([])], 'all'),
  'an error without a stack': () => {
    const error = new Error('x');
    delete error.stack;
    return error;
  },
  'an error that is its own cause': () => {
    const error = new Error('x');
    error.cause = error;
    return error;
  },
  'typed arrays of every class': () => [
    new Int8Array([1, -1]),
    new Uint8Array([1, 2]),
    new Uint8ClampedArray([3]),
    new Int16Array([4]),
    new Uint16Array([5]),
    new Int32Array([6]),
    new Uint32Array([7]),
    new Float32Array([8.5]),
    new Float64Array([9.5, NaN]),
    new BigInt64Array([-1n]),
    new BigUint64Array([1n]),
    new DataView(new ArrayBuffer(3)),
  ],
  'large binary data': () => [
    new Float64Array(10_000).fill(1.5),
    new Uint8Array(5001).fill(7),
    Buffer.alloc(9_999, 3),
    new ArrayBuffer(4097),
  ],
  'views with properties': () => Object.assign(new Uint8Array(3), { unit: 'm' }),
  buffers: () => [Buffer.from('small'), Buffer.alloc(0)],
  'URL and URLSearchParams': () => [
    new URL('https://user@example.org:8080/a?b=c#d'),
    new URLSearchParams('a=1&a=2&b=%20'),
  ],
  'boxed primitives': () => [
    Object(1),
    Object(-0),
    Object('text'),
    Object(true),
    Object(5n),
    Object(Symbol.iterator),
    Object(Symbol('own')),
  ],
  'a boxed string with properties': () => Object.assign(Object('ab') as object, { extra: 1, 7: 2 }),
  symbols: () => {
    const own = Symbol('own');
    return [Symbol.iterator, Symbol.asyncIterator, Symbol.for('app.key'), own, own, Symbol(), Symbol('own')];
  },
  'symbol keys': () => {
    const own = Symbol('key');
    return { [own]: own, [Symbol.for('a')]: 1, [Symbol.toStringTag]: 'Tagged' };
  },
  'non-enumerable, read-only and fixed properties': () =>
    Object.defineProperties(
      {},
      {
        hidden: { value: 1, writable: true, configurable: true },
        readOnly: { value: 2, enumerable: true, configurable: true },
        fixed: { value: 3, enumerable: true, writable: true },
      },
    ),
  'frozen, sealed and non-extensible objects': () => [
    Object.freeze({ a: [1] }),
    Object.seal({ b: 1 }),
    Object.preventExtensions({ c: 1 }),
    Object.freeze([1, 2]),
    Object.freeze(new Map([[1, 2]])),
  ],
  'null prototypes': () => Object.assign(Object.create(null) as object, { a: 1 }),
  'a Map with a null prototype': () => Object.setPrototypeOf(new Map([[1, 2]]), null),
  'prototype chains of plain objects': () => [chain, Object.getPrototypeOf(chain)],
  'an array as prototype': () => Object.create([1, 2]) as unknown,
  'shared references': () => {
    const one = { n: 1 };
    return [one, { one }, new Map([[one, one]]), new Date(0)];
  },
  'shared references between plain data and the rest': () => {
    const one = { n: [1] };
    return { plain: { deep: { one } }, tagged: new Error('x', { cause: one }), array: one.n };
  },
  cycles: () => cyclic,
  'cycles in plain data beside the rest': () => {
    const tree: { kids: unknown[] } = { kids: [] };
    tree.kids.push({ parent: tree }, { parent: tree });
    return [tree, new Error('x'), tree.kids[0]];
  },
};

describe('a value that is carried', () => {
  for (const portable of [false, true]) {
    it.each(Object.entries(CARRIED))(`${portable ? 'without v8, ' : ''}%s`, (_name, make) => {
      const value = make();
      expect(graphDifference(decodeValue(encodeValue(value, { portable })), value)).toBeUndefined();
    });
  }

  it('may be a list of 100,000 links', () => {
    interface Link {
      next: Link | undefined;
      at: number;
    }
    let head: Link | undefined;
    for (let at = 0; at < 100_000; at++) head = { next: head, at };
    const [list, error] = roundTrip([head, new Error('not plain')] as const);
    let length = 0;
    for (let link = list; link !== undefined; link = link.next) length++;
    expect([length, error.message]).toEqual([100_000, 'not plain']);
  });

  it('may be arrays, Maps and causes nested 9,000 deep', () => {
    let value: unknown = 'bottom';
    for (let depth = 0; depth < 9_000; depth++)
      value = depth % 3 === 0 ? [value] : depth % 3 === 1 ? new Map([[depth, value]]) : new Error('', { cause: value });
    expect(graphDifference(roundTrip(value), value)).toBeUndefined();
  });

  it('has an error keep its stack', () => {
    const error = new RangeError('far');
    expect(roundTrip(error).stack).toBe(error.stack);
    expect(Object.getOwnPropertyDescriptor(roundTrip(error), 'stack')).toMatchObject({
      enumerable: false,
      configurable: true,
    });
  });

  it('may be an error that Node.js made', () => {
    const error = (() => {
      try {
        Buffer.from(5 as never);
      } catch (caught) {
        return caught as TypeError & { code: string };
      }
      return undefined;
    })();
    const copy = roundTrip(error);
    expect(copy).toBeInstanceOf(TypeError);
    expect([copy?.code, copy?.message]).toEqual(['ERR_INVALID_ARG_TYPE', error?.message]);
  });

  it('may be a DOMException', () => {
    const copy = roundTrip(new DOMException('stopped', 'AbortError'));
    expect(copy).toBeInstanceOf(DOMException);
    expect([copy.name, copy.message, copy.code]).toEqual(['AbortError', 'stopped', 20]);
  });

  it('may be Headers', () => {
    const copy = roundTrip(
      new Headers([
        ['a', '1'],
        ['set-cookie', 'x'],
        ['set-cookie', 'y'],
      ]),
    );
    expect(copy).toBeInstanceOf(Headers);
    expect([...copy]).toEqual([
      ['a', '1'],
      ['set-cookie', 'x'],
      ['set-cookie', 'y'],
    ]);
  });

  it.runIf('Float16Array' in globalThis)('may be a Float16Array', () => {
    const Float16 = (globalThis as unknown as { Float16Array: new (values: number[]) => Uint8Array }).Float16Array;
    expect(roundTrip(new Float16([1.5, 2]))).toEqual(new Float16([1.5, 2]));
  });

  it('may come from another realm, and arrives as one of this realm', () => {
    const foreign = runInContext(
      '({ list: [1, { at: new Date(7) }], map: new Map([[1, /x/g]]), error: new TypeError("t") })',
      createContext(),
    ) as { error: Error };
    const copy = roundTrip(foreign);
    expect(copy).toEqual({
      list: [1, { at: new Date(7) }],
      map: new Map([[1, /x/g]]),
      error: expect.any(TypeError) as unknown,
    });
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    const plain = runInContext('[1, { at: new Date(7) }]', createContext()) as unknown[];
    expect(Object.getPrototypeOf(roundTrip(plain))).toBe(Array.prototype);
  });

  it('is frozen in the bytes: neither side sees what the other does later', () => {
    const bytes = encodeValue({ data: new Uint8Array([1]), big: new Uint8Array(5000) });
    const copy = decodeValue(bytes) as { data: Uint8Array; big: Uint8Array };
    bytes.fill(9);
    expect([copy.data[0], copy.big[0]]).toEqual([1, 0]);
  });
});

describe('binary data', () => {
  it('keeps views on one buffer sharing it, and has no bytes beside', () => {
    const [numbers, bytes, view, buffer] = roundTrip([
      new Float64Array(shared),
      new Uint8Array(shared, 8, 4),
      new DataView(shared),
      shared,
    ] as const);
    expect([bytes.buffer, view.buffer, buffer]).toEqual([numbers.buffer, numbers.buffer, numbers.buffer]);
    expect([bytes.buffer === buffer, view.buffer === buffer, bytes.byteOffset]).toEqual([true, true, 8]);
    numbers[1] = 1;
    expect(new Uint8Array(buffer)[15]).toBe(0x3f);
  });

  it('sends of a large buffer only what its views cover', () => {
    const large = new ArrayBuffer(1_000_000);
    const bytes = encodeValue([new Uint16Array(large, 500_010, 3), new Uint8Array(large, 500_020, 4)]);
    expect(bytes.length).toBeLessThan(150);
    const [words, rest] = decodeValue(bytes) as [Uint16Array, Uint8Array];
    expect(rest.buffer).toBe(words.buffer);
    expect(rest.byteOffset - words.byteOffset).toBe(10);
  });

  it('never sends what else lies in the pool of small Buffers', () => {
    const secret = Buffer.from('the secret of a stranger');
    const mine = Buffer.from('mine');
    const other = Buffer.from('other');
    const bytes = encodeValue([mine, other]);
    expect(Buffer.from(bytes).includes(secret)).toBe(false);
    const copies = decodeValue(bytes) as Buffer[];
    expect(copies.map(String)).toEqual(['mine', 'other']);
    expect(copies[0]?.buffer.byteLength).toBe(4);
  });

  it('puts zeros where alignment needs room before the first view', () => {
    const memory = new Uint8Array(64).fill(255);
    const copy = roundTrip(new Int16Array(memory.buffer, 10, 2));
    expect([...new Uint8Array(copy.buffer)]).toEqual([0, 0, 255, 255, 255, 255]);
  });

  it('lies in aligned segments when it is large', () => {
    const bytes = encodeValue([new Uint8Array(5000).fill(0xaa), new Uint8Array(6000).fill(0xbb)]);
    expect(bytes.indexOf(0xaa) % 8).toBe(0);
    expect(bytes.indexOf(0xbb) % 8).toBe(0);
  });

  it('keeps a resizable ArrayBuffer resizable', () => {
    const Resizable = ArrayBuffer as unknown as new (
      length: number,
      options: { maxByteLength: number },
    ) => ArrayBuffer & { maxByteLength: number };
    const copy = roundTrip(new Resizable(3, { maxByteLength: 9 }));
    expect([copy.byteLength, copy.maxByteLength]).toEqual([3, 9]);
    expect(refusal(() => encodeValue({ v: new Uint8Array(new Resizable(3, { maxByteLength: 9 })) })).message).toContain(
      '[path=.v]',
    );
  });
});

class Point {
  x = 1;
  when = new Date(3);
}
class Secret extends Point {
  #hidden = 5;
  get hidden(): number {
    return this.#hidden;
  }
}
class HttpError extends Error {
  override name = 'HttpError';
  status = 404;
}
class Unnamed extends TypeError {}

describe('instances of classes', () => {
  it('arrive as plain data with one warning per class on either side', () => {
    const warnings: CodecWarning[] = [];
    const onWarning = (warning: CodecWarning): void => void warnings.push(warning);
    const copy = decodeValue(encodeValue({ list: [new Point(), new Point()], other: new Secret() }, { onWarning }), {
      onWarning,
    });
    expect(copy).toStrictEqual({
      list: [
        { x: 1, when: new Date(3) },
        { x: 1, when: new Date(3) },
      ],
      other: { x: 1, when: new Date(3) },
    });
    expect(warnings.map(({ className, path }) => [className, path])).toEqual([
      ['Point', '.list[0]'],
      ['Secret', '.other'],
      ['Point', ''],
      ['Secret', ''],
    ]);
  });

  it('of built-in classes that users extend arrive as the built-in', () => {
    class Bag extends Map<string, number> {}
    class Stack extends Array<number> {}
    const copy = roundTrip([new Bag([['a', 1]]), Stack.of(1, 2)]);
    expect(copy).toStrictEqual([new Map([['a', 1]]), [1, 2]]);
  });

  it('of event emitters arrive as plain data when nobody listens', () => {
    class Job extends EventEmitter {
      id = 5;
    }
    expect(roundTrip(new Job())).toMatchObject({ id: 5 });
  });

  it('of unknown error classes arrive as RemoteError', () => {
    const error = new HttpError('missing', { cause: new Point() });
    const copy = roundTrip(error);
    expect(copy).toBeInstanceOf(RemoteError);
    expect({ name: copy.name, status: copy.status, message: copy.message, cause: copy.cause }).toEqual({
      name: 'HttpError',
      status: 404,
      message: 'missing',
      cause: { x: 1, when: new Date(3) },
    });
    expect((copy as unknown as RemoteError).remoteStack).toBe(error.stack);
    expect(roundTrip(new Unnamed('x')).name).toBe('Unnamed');
    expect(graphDifference(roundTrip(copy), copy)).toBeUndefined();
  });
});

const REFUSED: Record<string, [make: () => unknown, path: string, what: string]> = {
  'a function': [() => ({ a: { run() {} } }), '.a.run', 'the function run'],
  'a class': [() => [Point], '[0]', 'the function Point'],
  'a Promise': [() => ({ items: [1, 2, 3, { later: Promise.resolve() }] }), '.items[3].later', 'a Promise'],
  'a Proxy': [
    () => ({
      p: new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('a trap ran');
          },
        },
      ),
    }),
    '.p',
    'a Proxy',
  ],
  'a Proxy of a function': [() => new Proxy(() => 1, {}), 'the value itself', 'a Proxy'],
  'a stream': [() => ({ items: [0, 0, 0, { stream: Readable.from([]) }] }), '.items[3].stream', 'a stream'],
  'a socket': [() => new Socket(), 'the value itself', 'a socket'],
  'a web stream': [() => new ReadableStream(), 'the value itself', 'a ReadableStream'],
  'a Map key': [() => new Map([[{ f: () => 1 }, 1]]), '.[[key 0]].f', 'the function f'],
  'a Map value': [() => ({ m: new Map([['name', () => 1]]) }), '.m.[[value of "name"]]', 'a function'],
  'a Set member': [() => new Set([1, () => 1]), '.[[member 1]]', 'a function'],
  'a property with a name that is no identifier': [
    () => ({ 'two words': { [Symbol.for('k')]: () => 1 } }),
    '["two words"][Symbol(k)]',
    'the function [k]',
  ],
  'a cause': [() => new Error('x', { cause: () => 1 }), '.cause', 'the function cause'],
  'a prototype': [() => Object.create({ method() {} }) as unknown, '.[[Prototype]].method', 'the function method'],
  'a getter': [
    () => ({
      a: {
        get b(): never {
          throw new Error('it ran');
        },
      },
    }),
    '.a.b',
    'a property with a getter',
  ],
  'a getter on an array': [
    () =>
      Object.defineProperty([1], 0, {
        get: () => {
          throw new Error('it ran');
        },
      }),
    '[0]',
    'a property with a getter',
  ],
  'a getter on a long array': [
    () =>
      Object.defineProperty(Array.from({ length: 100 }), 70, {
        get: () => {
          throw new Error('it ran');
        },
      }),
    '[70]',
    'a property with a getter',
  ],
  'an array iterator': [() => [1].values(), 'the value itself', 'an iterator'],
  'a Map iterator': [() => new Map().entries(), 'the value itself', 'an iterator'],
  'a generator': [
    () =>
      (function* () {
        yield 1;
      })(),
    'the value itself',
    'an iterator',
  ],
  'an async generator': [
    () =>
      (async function* () {
        yield 1;
      })(),
    'the value itself',
    'an iterator',
  ],
  'a WeakMap': [() => ({ w: new WeakMap() }), '.w', 'a WeakMap'],
  'a WeakSet': [() => [new WeakSet()], '[0]', 'a WeakMap or WeakSet'],
  'a WeakRef': [() => [new WeakRef({})], '[0]', 'a WeakRef'],
  'shared memory': [() => ({ s: new SharedArrayBuffer(8) }), '.s', 'shared memory'],
  'a view on shared memory': [() => ({ s: new Int32Array(new SharedArrayBuffer(8)) }), '.s', 'shared memory'],
  'an Intl object': [() => ({ i: new Intl.NumberFormat() }), '.i', 'an instance of Intl.NumberFormat'],
  'a TextEncoder': [() => ({ t: new TextEncoder() }), '.t', 'an instance of TextEncoder'],
  'an AbortSignal': [() => ({ s: new AbortController().signal }), '.s', 'an instance of AbortSignal'],
  'a Blob': [() => [new Blob(['x'])], '[0]', 'a Blob'],
  'a key': [() => ({ key: createSecretKey(Buffer.alloc(8)) }), '.key', 'an instance of'],
  'a server': [() => ({ server: createServer() }), '.server', ''],
  'a timer': [
    () => {
      const timer = setTimeout(() => undefined, 0);
      clearTimeout(timer);
      return { timer };
    },
    '.timer',
    '',
  ],
  'process.env': [() => ({ env: process.env }), '.env', 'process.env'],
  'the global object': [() => globalThis, 'the value itself', 'the global object'],
};

describe('a value that cannot travel', () => {
  it.each(Object.entries(REFUSED))('is refused with its path: %s', (_name, [make, path, what]) => {
    const error = refusal(() => encodeValue(make()));
    expect(error.code).toBe('SERIALIZE_UNSUPPORTED');
    expect(error.message).toContain(`[path=${path}`);
    expect(error.message).toContain(`Cannot send ${what}`);
  });

  it('is refused by namespace', async () => {
    const specifier: string = 'data:text/javascript,export const a = 1';
    const namespace: unknown = await import(specifier);
    expect(refusal(() => encodeValue({ namespace })).message).toMatch(/module namespace.*path=\.namespace/);
  });
});

describe('the header', () => {
  const bytes = (): Buffer => Buffer.from(encodeValue({ list: Array.from({ length: 50 }, (_, id) => ({ id })) }));

  it('names magic, version, v8 format and Node.js', () => {
    expect([...bytes().subarray(0, 4)]).toEqual([0xf5, 0x53, 0x52, 0x4b]);
    expect([...bytes().subarray(8, 12)]).toEqual([
      1,
      serialize(null)[1],
      Number.parseInt(process.versions.node, 10),
      1,
    ]);
  });

  it.each([
    ['another format', (data: Buffer) => data.fill(0, 0, 4), 'DATA_VERSION', /does not begin/],
    ['another codec version', (data: Buffer) => data.fill(2, 8, 9), 'DATA_VERSION', /version=2, known=1/],
    ['damage', (data: Buffer) => data.fill(0, 30, 31), 'DATA_CORRUPT', /checksum/],
    ['bytes that follow', (data: Buffer) => Buffer.concat([data, Buffer.alloc(1)]), 'DATA_CORRUPT', /checksum/],
    ['nothing', () => Buffer.alloc(0), 'DATA_CORRUPT', /shorter/],
    [
      'the bytes of v8.serialize',
      () => serialize({ some: 'other', data: [1, 2, 3] }),
      'DATA_VERSION',
      /does not begin/,
    ],
  ])('refuses %s by name', (_name, change, code, message) => {
    const error = refusal(() => decodeValue(change(bytes())));
    expect([error.name, error.code]).toEqual(['SerializationError', code]);
    expect(error.message).toMatch(message);
  });
});
