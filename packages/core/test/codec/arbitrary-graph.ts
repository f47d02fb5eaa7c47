/** Random graphs of every kind the codec carries, with shared references, cycles and own properties of all attributes. */
import fc from 'fast-check';

/** Random choices, one after the other; a graph grows from them. */
type Draw = (below: number) => number;

const WORDS = [
  '',
  'a',
  'key',
  '__proto__',
  'constructor',
  '0',
  '7',
  'ü',
  '漢字',
  '\ud800',
  'a longer name with spaces',
  'length ',
  'stack trace',
];
const NUMBERS = [0, -0, 1, -1, 1.5, NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31), 2 ** 53, 1e-300];
const BIGINTS = [0n, -1n, 1n << 64n, -(1n << 200n)];

const TYPED_ARRAYS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

function primitive(draw: Draw): unknown {
  const kinds: (() => unknown)[] = [
    () => undefined,
    () => null,
    () => draw(2) === 0,
    () => NUMBERS[draw(NUMBERS.length)],
    () => draw(1000) - 500,
    () => BIGINTS[draw(BIGINTS.length)],
    () => WORDS[draw(WORDS.length)],
    () => Symbol.iterator,
    () => Symbol.for('shared'),
  ];
  return (kinds[draw(kinds.length)] as () => unknown)();
}

function bytes(draw: Draw): ArrayBuffer {
  const length = 8 * (draw(20) === 0 ? 520 + draw(9) : draw(4));
  return Uint8Array.from({ length }, () => draw(256)).buffer;
}

/** Kinds that hold nothing but what they are born with, and own properties. */
function leaf(draw: Draw, buffers: ArrayBuffer[]): object | symbol {
  const buffer = (): ArrayBuffer => {
    if (buffers.length === 0 || draw(2) === 0) buffers.push(bytes(draw));
    return buffers[draw(buffers.length)] as ArrayBuffer;
  };
  const kinds: (() => object | symbol)[] = [
    () => new Date(draw(3) === 0 ? NaN : draw(1e9)),
    () =>
      Object.assign(new RegExp(WORDS[1 + draw(2)] as string, ['', 'g', 'iy', 'dsu'][draw(4)]), { lastIndex: draw(2) }),
    () => new URL(`https://example.org/${draw(9)}?q=${draw(9)}`),
    () => buffer(),
    () => new (TYPED_ARRAYS[draw(TYPED_ARRAYS.length)] as typeof Uint8Array)(buffer()),
    () => new DataView(buffer()),
    () => Buffer.from([draw(256), draw(256)]),
    () => Object(primitive((below) => draw(below) || 2)) as object,
    () => Symbol(WORDS[draw(WORDS.length)]),
    () => new TypeError(WORDS[draw(WORDS.length)]),
    () => new AggregateError([draw(5)], 'many', { cause: draw(5) }),
  ];
  return (kinds[draw(kinds.length)] as () => object | symbol)();
}

function container(draw: Draw): object {
  const kinds: (() => object)[] = [
    () => ({}),
    () => ({}),
    () => [],
    () => [],
    () => new Map(),
    () => new Set(),
    () => Object.create(null) as object,
    () => Object.create({ inherited: draw(9) }) as object,
    () => Object.assign([], { length: draw(6) }),
    () => new Error('with properties'),
  ];
  return (kinds[draw(kinds.length)] as () => object)();
}

function put(target: object, draw: Draw, value: unknown, key: unknown): void {
  if (target instanceof Map) target.set(key, value);
  else if (target instanceof Set) target.add(value);
  else if (Array.isArray(target) && draw(8) > 0) target.push(value);
  else defineProperty(target, draw, value, key);
}

function defineProperty(target: object, draw: Draw, value: unknown, key: unknown): void {
  const name = typeof key === 'symbol' ? key : (WORDS[draw(WORDS.length)] as string);
  // Typed arrays have nothing but elements on an index; in long ones the codec does not look for properties.
  if (ArrayBuffer.isView(target) && (target.byteLength > 256 || /^\d+$/.test(String(name)))) return;
  const ordinary = draw(6) > 0;
  const bit = (): boolean => ordinary || draw(2) === 0;
  Reflect.defineProperty(target, name, { value, writable: bit(), enumerable: bit(), configurable: bit() });
}

const LOCKS = [Object.freeze, Object.seal, Object.preventExtensions] as const;

function lock(target: object, draw: Draw): void {
  if (draw(10) === 0 && !ArrayBuffer.isView(target)) (LOCKS[draw(LOCKS.length)] as (value: object) => object)(target);
}

function grow(draw: Draw, size: number): unknown {
  const buffers: ArrayBuffer[] = [];
  const pool: (object | symbol)[] = [container(draw)];
  for (let count = 0; count < size; count++) pool.push(draw(3) > 0 ? container(draw) : leaf(draw, buffers));
  const any = (): unknown => (draw(2) === 0 ? primitive(draw) : pool[draw(pool.length)]);
  for (const target of pool) {
    if (typeof target === 'symbol') continue;
    const held = isContainer(target) ? draw(5) : Number(draw(6) === 0);
    for (let count = 0; count < held; count++) put(target, draw, any(), any());
    lock(target, draw);
  }
  return pool;
}

function isContainer(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return [null, Object.prototype, Array.prototype, Map.prototype, Set.prototype].includes(prototype);
}

/** A list of all objects of a random graph; what one of them is depends on the others. */
export const arbitraryGraph: fc.Arbitrary<unknown> = fc
  .tuple(fc.integer(), fc.integer({ min: 0, max: 14 }))
  .map(([seed, size]) => {
    let state = seed >>> 0;
    const draw: Draw = (below) => {
      // A linear congruential generator: the graph is a function of the seed, so a failure can be replayed.
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    return grow(draw, size);
  });
