import { refusal, shape, type Shape } from './shape.ts';

const shared = new ArrayBuffer(16);
const symbolKey = Symbol('own');

export const values: Shape[] = [
  shape('03 Map, Set, RegExp, typed array, BigInt, -0, Buffer, Date', 1, (ship) => {
    const map = new Map<unknown, unknown>([
      ['a', new Set([1, 2])],
      [NaN, -0],
    ]);
    const regexp = /a(b)c/giu;
    regexp.lastIndex = 2;
    const bytes = new Float32Array([1.5, -0, NaN]);
    const big = 2n ** 70n;
    const buffer = Buffer.from('héllo');
    const date = new Date(86_400_000);
    ship(() => [
      map,
      regexp,
      regexp.lastIndex,
      bytes,
      big,
      buffer.toString('hex'),
      Buffer.isBuffer(buffer),
      date,
      Object.is(map.get(NaN), -0),
    ]);
  }),
  shape('views that share a buffer', 1, (ship) => {
    const left = new Uint8Array(shared, 0, 8);
    const right = new DataView(shared, 4);
    ship(() => {
      left[4] = 77;
      return [right.getUint8(0), left.buffer === right.buffer, left.buffer.byteLength];
    });
  }),
  shape('17, 53 captured errors with cause and properties', 1, (ship) => {
    const error = Object.assign(new TypeError('bad', { cause: new RangeError('inner') }), { extra: { a: 1 } });
    ship(() => [error.name, error.message, error instanceof TypeError, (error.cause as Error).message, error.extra]);
  }),
  shape('24 getter and setter on a captured object', 1, (ship) => {
    let reads = 0;
    const object = {
      base: 5,
      get twice(): number {
        reads += 1;
        return this.base * 2;
      },
      set twice(value: number) {
        this.base = value / 2;
      },
    };
    ship(() => {
      object.twice = 30;
      return [object.twice, object.base, reads, Object.keys(object)];
    });
  }),
  shape('48 cyclic data', 1, (ship) => {
    interface Node {
      name: string;
      next?: Node;
      all: Node[];
    }
    const a: Node = { name: 'a', all: [] };
    const b: Node = { name: 'b', next: a, all: [a] };
    a.next = b;
    a.all.push(a, b);
    ship(() => [a.next === b, b.next === a, a.all[0] === a, b.all[0] === a]);
  }),
  shape('49, 50 symbol keys, a Symbol.iterator method', 1, (ship) => {
    const iterable = {
      [symbolKey]: 3,
      [Symbol.for('registered')]: 4,
      *[Symbol.iterator](): Generator<number> {
        yield 1;
        yield 2;
      },
    };
    ship(() => [
      [...iterable],
      iterable[symbolKey],
      Object.getOwnPropertySymbols(iterable).length,
      Symbol.for('registered') in iterable,
    ]);
  }),
  shape('54 null prototype, frozen, sparse', 1, (ship) => {
    const bare = Object.assign(Object.create(null) as Record<string, number>, { a: 1 });
    const frozen = Object.freeze({ list: Object.freeze([1]) });
    // eslint-disable-next-line no-sparse-arrays -- this shape is what is tried
    const sparse = [1, , 3];
    const odd = Object.defineProperty({ shown: 1 }, 'hidden', { value: 2, enumerable: false });
    ship(() => [
      Object.getPrototypeOf(bare),
      bare['a'],
      Object.isFrozen(frozen),
      Object.isFrozen(frozen.list),
      1 in sparse,
      sparse.length,
      Object.keys(odd),
      odd,
    ]);
  }),
  shape('62 URL captured', 1, (ship) => {
    const url = new URL('https://example.com/a?b=1#c');
    ship(() => [url.href, url.searchParams.get('b'), url instanceof URL]);
  }),
  shape('66 Array subclass instance', 1, (ship) => {
    class Stack<T> extends Array<T> {
      top(): T | undefined {
        return this.at(-1);
      }
    }
    const stack = Stack.from([1, 2, 3]) as Stack<number>;
    ship(() => [
      stack.top(),
      stack.length,
      Array.isArray(stack),
      stack instanceof Stack,
      stack.map((x) => x * 2) instanceof Stack,
    ]);
  }),
  shape('Map and Error subclasses', 1, (ship) => {
    class Counter extends Map<string, number> {
      add(key: string): this {
        return this.set(key, (this.get(key) ?? 0) + 1);
      }
    }
    class Failure extends Error {
      code = 'E_FAILURE';
    }
    const counter = new Counter().add('a').add('a');
    const failure = new Failure('oops');
    ship(() => [
      counter.add('a').get('a'),
      counter instanceof Counter,
      failure.code,
      failure instanceof Failure,
      failure.message,
    ]);
  }),
  shape('prototype chains of plain objects', 1, (ship) => {
    const base = { hello: () => 'hello', shared: 1 };
    const child = Object.create(base) as typeof base & { own: number };
    child.own = 2;
    ship(() => [child.hello(), child.shared, child.own, Object.keys(child), Object.getPrototypeOf(child) === base]);
  }),
  shape('WeakMap with a shipped key', 1, (ship) => {
    const key = { k: 1 };
    const weak = new WeakMap<object, unknown>([
      [key, { secret: 5 }],
      [{}, 'gone'],
    ]);
    const set = new WeakSet<object>([key]);
    ship(() => [weak.get(key), set.has(key), weak.has({}), set.has({})]);
  }),
  shape('process.env stays where it is', 1, (ship) => {
    const env = process.env;
    ship(() => [env === process.env, typeof env['PATH']]);
  }),
  shape('boxed values and well-known symbols', 1, (ship) => {
    const boxed = Object(5) as object;
    const symbols = [Symbol.iterator, Symbol.for('x'), symbolKey];
    ship(() => [
      Number(boxed) + 1,
      typeof boxed,
      symbols[0] === Symbol.iterator,
      symbols[1] === Symbol.for('x'),
      symbols[2]?.description,
    ]);
  }),
  shape('a linked list of 100,000', 1, (ship) => {
    interface Link {
      value: number;
      next: Link | undefined;
      visit?: () => number;
    }
    let head: Link | undefined;
    for (let value = 0; value < 100_000; value += 1)
      head = { value, next: head, ...(value === 0 ? { visit: () => 42 } : {}) };
    const first = head;
    ship(() => {
      let count = 0;
      let last: Link | undefined;
      for (let link = first; link !== undefined; link = link.next) {
        count += 1;
        last = link;
      }
      return [count, last?.visit?.()];
    });
  }),
  refusal('Promise captured', 'SHIP_PROMISE', (ship) => {
    const promise = Promise.resolve(1);
    ship(() => promise);
  }),
  refusal('Proxy captured', 'SHIP_PROXY', (ship) => {
    const proxy = new Proxy({}, { get: () => 1 });
    ship(() => proxy);
  }),
  refusal('WeakRef captured', 'SHIP_WEAKREF', (ship) => {
    const ref = new WeakRef({});
    ship(() => ref.deref());
  }),
  refusal('SharedArrayBuffer captured', 'SHIP_SHARED_MEMORY', (ship) => {
    const memory = new SharedArrayBuffer(8);
    ship(() => memory.byteLength);
  }),
  refusal('iterator captured', 'SHIP_ITERATOR', (ship) => {
    const iterator = [1, 2][Symbol.iterator]();
    ship(() => iterator.next());
  }),
  refusal('running generator captured', 'SHIP_ITERATOR', (ship) => {
    const running = (function* () {
      yield 1;
    })();
    ship(() => running.next());
  }),
  refusal('Intl object captured in a local', 'SHIP_BUILTIN_INSTANCE', (ship) => {
    const format = new Intl.NumberFormat('en');
    ship((x: number) => format.format(x));
  }),
  refusal('AbortSignal captured', 'SHIP_BUILTIN_INSTANCE', (ship) => {
    const { signal } = new AbortController();
    ship(() => signal.aborted);
  }),
  refusal('timer captured', 'SHIP_HANDLE', (ship) => {
    const timer = setTimeout(() => {}, 1);
    clearTimeout(timer);
    ship(() => typeof timer);
  }),
];
