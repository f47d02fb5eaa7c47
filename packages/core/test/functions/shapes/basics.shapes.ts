import { shape, type Shape } from './shape.ts';

const captured = 7;
const settings = { deep: { list: [1, 2, { three: 3 }] } };
function helper(x: number): number {
  return x * captured + settings.deep.list.length;
}
const isEven = (n: number): boolean => n === 0 || isOdd(n - 1);
const isOdd = (n: number): boolean => n !== 0 && isEven(n - 1);
function factorial(n: number): number {
  return n <= 1 ? 1 : n * factorial(n - 1);
}
const unusual = { $: 1, _: 2, $s: 3, $s_sites: 4, sites: 5, exports: 6, module: 7, require: 8 };
const $ = 11;
const $s_sites = 12;
const sites = 13;

export const basics: Shape[] = [
  shape('01 arrow, nothing captured', 4, (ship) => ship((x: number) => x * 2)),
  shape('02 async arrow, captured const', 4, (ship) => ship(async (x: number) => x + captured)),
  shape('04 module-level helper, const, object', 4, (ship) =>
    ship((x: number) => helper(x) + settings.deep.list.length),
  ),
  shape('05 mutual recursion', 9, (ship) => ship((x: number) => [isEven(x), isOdd(x)])),
  shape('06 self recursion', 6, (ship) => ship(factorial)),
  shape('06b self recursion through a helper', 6, (ship) => ship((x: number) => factorial(x))),
  shape('07 named function expression', 6, (ship) =>
    ship(function fib(n: number): number {
      return n < 2 ? n : fib(n - 1) + fib(n - 2);
    }),
  ),
  shape('08 function declaration in a block', 6, (ship) => {
    {
      function local(x: number): string {
        return `${x}:${local.name}`;
      }
      ship(local);
    }
  }),
  shape('09 generator', 3, (ship) => {
    function* count(n: number): Generator<number> {
      for (let i = 0; i < n; i += 1) yield i * captured;
    }
    ship((x: number) => [...count(x)]);
  }),
  shape('10 async generator', 3, (ship) => {
    async function* count(n: number): AsyncGenerator<number> {
      for (let i = 0; i < n; i += 1) yield i + captured;
    }
    ship(async (x: number) => {
      const all: number[] = [];
      for await (const value of count(x)) all.push(value);
      return all;
    });
  }),
  shape('11 loop closure', 1, (ship) => {
    const fns: ((x: number) => number)[] = [];
    for (let i = 0; i < 3; i += 1) fns.push((x) => x + i * 10);
    ship((x: number) => fns.map((f) => f(x)));
  }),
  shape('12 curried', 1, (ship) => ship(((a: number) => (b: number) => (c: number) => [a, b, c])(1)(2))),
  shape('16 default parameters, destructuring, rest', { a: 1, rest: [4, 5] }, (ship) =>
    ship(
      (
        { a, b = captured, ...others }: { a: number; b?: number; rest: number[] },
        _context?: unknown,
        c = helper(a),
      ) => [a, b, c, others],
    ),
  ),
  shape('18 switch, catch and block scopes', 2, (ship) => {
    try {
      throw new Error('caught');
    } catch (error) {
      switch (captured) {
        case 7: {
          const inCase = 'in case';
          ship((x: number) => [x, (error as Error).message, inCase]);
        }
      }
    }
  }),
  shape('51 undeclared name, typeof', 2, (ship) =>
    ship(() => [typeof (globalThis as Record<string, unknown>)['notThere'], typeof Intl]),
  ),
  shape('51b undeclared name by itself', 2, (ship) => {
    // @ts-expect-error nobody declares it
    ship(() => typeof nobodyDeclaresThis);
  }),
  shape('52 a global of the user', 2, (ship) => {
    (globalThis as Record<string, unknown>)['usersOwnGlobal'] = { rate: 3 };
    // @ts-expect-error only declared at run time
    ship((x: number) => x * usersOwnGlobal.rate);
  }),
  shape('56 function with properties', 2, (ship) => {
    const f = (x: number): number => x + f.offset;
    f.offset = 100;
    f.nested = { list: [1] };
    ship((x: number) => [f(x), f.nested, Object.keys(f)]);
  }),
  shape('57 arrow capturing arguments', 2, (ship) => {
    function outer(..._args: unknown[]): void {
      // eslint-disable-next-line prefer-rest-params -- this shape is what is tried
      ship((x: number) => [x, arguments.length, arguments[1]]);
    }
    outer('a', 'b', 'c');
  }),
  shape('60 new Function', 4, (ship) =>
    ship(new Function('x', 'return x * 3 + Math.max(1, 2)') as (x: number) => number),
  ),
  shape('73 functions inside data, identity kept', 5, (ship) => {
    const f = (x: number): number => x + 1;
    const data = { f, list: [f, { g: f }] };
    ship((x: number) => [data.f(x), data.list[0] === data.f, (data.list[1] as { g: unknown }).g === data.f]);
  }),
  shape('names like our own', 1, (ship) => ship((x: number) => [x, $, $s_sites, sites, unusual])),
  shape('function names survive', 1, (ship) => {
    const arrow = (): void => {};
    const anonymous = (() => () => {})();
    const symbol = Symbol('key');
    const holder = {
      [symbol]: () => {},
      get g() {
        return 1;
      },
    };
    const getter = Object.getOwnPropertyDescriptor(holder, 'g')?.get;
    ship(() => [arrow.name, anonymous.name, holder[symbol].name, getter?.name, arrow.length]);
  }),
  shape('a renamed function and an odd length', 1, (ship) => {
    const f = (_a: number, _b: number): void => {};
    Object.defineProperty(f, 'name', { value: 'renamed', configurable: true });
    const g = (_a: number): void => {};
    Object.defineProperty(g, 'length', { value: 9, configurable: true });
    ship(() => [f.name, f.length, g.name, g.length]);
  }),
  shape('shadowed names', 1, (ship) => {
    const value = 'outer';
    const inner = (
      (value: string) => () =>
        value
    )('inner');
    ship(() => [value, inner()]);
  }),
  shape('an overridden toString', 3, (ship) => {
    const f = (x: number): number => x + captured;
    f.toString = () => 'not the source';
    ship(f);
  }),
  shape('two functions with the same text', 3, (ship) => {
    const a = (
      (k: number) => (x: number) =>
        x * k
    )(2);
    const b = (
      (k: number) => (x: number) =>
        x * k
    )(5);
    ship((x: number) => [a(x), b(x)]);
  }),
  shape('old-style constructor', 3, (ship) => {
    function Dog(this: { name: string }, name: string): void {
      this.name = name;
    }
    Dog.prototype.speak = function (this: { name: string }): string {
      return `${this.name} speaks`;
    };
    const rex = new (Dog as unknown as new (name: string) => { name: string; speak(): string })('Rex');
    const make = Dog as unknown as new (name: string) => { speak(): string };
    ship(() => [rex.speak(), rex instanceof make, new make('Bob').speak()]);
  }),
  shape('comma, template, optional call, spread of captured functions', 3, (ship) => {
    let f: ((x: number) => number) | undefined = (x) => x + 1;
    const tag = (parts: TemplateStringsArray, ...values: unknown[]): string => parts.join('|') + values.join();
    f = (x) => x + 2;
    ship((x: number) => [f?.(x), tag`a${x}b`, Math.max(...[f(x), 2]), { f }.f(1)]);
  }),
];
