import { inherits } from 'node:util';
import { kit } from 'tiny-esm';
import { refusal, shape, type Shape } from './shape.ts';
import { a, Ring } from './lib/ring-a.ts';
import { makeRing } from './lib/ring-b.ts';
import { makers, originAgain, Point, Spot } from './lib/star.ts';
import { session } from './lib/session.ts';

session.url = 'https://set.example';
session.limits.tries = 5;
const { url, limits } = session;
const { parse } = session;
const { upperFirst } = kit;

interface Named {
  readonly name: string;
  hi(): string;
}
type Maker = new (name?: string) => Named;

function Swapped(this: { name: string }, name = 'nobody'): void {
  this.name = name;
}
Swapped.prototype = {
  hi(this: Named): string {
    return `hi ${this.name}`;
  },
};
function Heir(this: { name: string }, name?: string): void {
  Reflect.apply(Swapped, this, [name]);
}
inherits(Heir, Swapped);

class Left {
  side(): string {
    return 'left';
  }
}
class Right {
  static readonly tag: string = 'right';
  side(): string {
    return 'right';
  }
}
class Turned extends Left {}
Object.setPrototypeOf(Turned.prototype, Right.prototype);
class Adopted {}
Object.setPrototypeOf(Adopted, Right);
class Callable extends Function {
  constructor() {
    super('x', 'return x * 2');
  }
}
class Plucked {
  kept(): string {
    return 'kept';
  }
  gone(): string {
    return 'gone';
  }
}
Reflect.deleteProperty(Plucked.prototype, 'gone');
Object.defineProperty(Plucked.prototype, 'kept', { enumerable: true });

/** What programs do to functions and classes after they were written, and what they take out of imports. */
export const oddities: Shape[] = [
  shape('a swapped prototype object', 'Rex', (ship) => {
    const made = new (Swapped as unknown as Maker)('Bob');
    ship((name: string) => {
      const fresh = new (Swapped as unknown as Maker)(name);
      return [
        made.hi(),
        fresh.hi(),
        fresh instanceof Swapped,
        Object.hasOwn(Swapped.prototype as object, 'constructor'),
      ];
    });
  }),
  shape('util.inherits', 'Rex', (ship) => {
    const made = new (Heir as unknown as Maker)('Bob');
    ship((name: string) => [made.hi(), new (Heir as unknown as Maker)(name).hi(), made instanceof Swapped]);
  }),
  shape('a class whose prototypes were changed', 1, (ship) =>
    ship(() => [
      new Turned().side(),
      Object.getPrototypeOf(Turned) === Left,
      new Turned() instanceof Right,
      (Adopted as unknown as typeof Right).tag,
      Object.getPrototypeOf(new Adopted()) === Adopted.prototype,
    ]),
  ),
  shape('an instance of a class of functions', 3, (ship) => {
    const double = new Callable() as unknown as (x: number) => number;
    ship((x: number) => [double(x), double instanceof Callable]);
  }),
  shape('methods that are gone or shown', 1, (ship) =>
    ship(() => ['gone' in Plucked.prototype, Object.keys(Plucked.prototype), new Plucked().kept()]),
  ),
  shape('frozen functions, classes and prototypes', 1, (ship) => {
    class Fixed {
      static readonly settings = { a: 1 };
      value(): number {
        return 1;
      }
    }
    Object.freeze(Fixed.prototype);
    Object.freeze(Fixed);
    class Sealed {}
    Object.seal(Sealed);
    const frozen = Object.freeze((x: number): number => x);
    ship(() => [
      [Fixed, Fixed.prototype, frozen, Sealed].map((value) => [Object.isFrozen(value), Object.isSealed(value)]),
      new Fixed().value(),
      Fixed.settings.a,
    ]);
  }),
  shape('a function without a name', 1, (ship) => {
    const nameless = (): void => {};
    Reflect.deleteProperty(nameless, 'name');
    ship(() => [Object.hasOwn(nameless, 'name'), nameless.name]);
  }),
  shape('locals named like globals', 1, (ship) => {
    const [Object, Array, Reflect, Symbol, Function, globalThis] = [1, 2, 3, 4, 5, 6];
    class Local {
      static readonly all = [Object, Array, Reflect];
      sum(): number {
        return Symbol + Function + globalThis;
      }
    }
    ship(() => [Local.all, new Local().sum()]);
  }),
  shape('data taken from an import is as it is at the call', '7', (ship) => {
    const { tries } = session.limits;
    const taken = session.limits;
    ship((text: string) => [url, limits, tries, taken, parse(text)]);
  }),
  shape('a member of a package, taken by destructuring', 'abc', (ship) => {
    const { upperFirst: local } = kit;
    ship((text: string) => [upperFirst(text), local(text)]);
  }),
  shape('a file imported around the function, by import()', 2, async (ship) => {
    const { Point, scale } = await import('./lib/geometry.ts');
    const { chunk } = await import('tiny-esm');
    ship((x: number) => [scale(new Point(3, 4), x).norm(), chunk([1, 2, 3], x)]);
  }),
  shape('exports that are passed on, under other names', 2, (ship) => {
    const spot = new Spot(3, 4);
    ship((x: number) => [spot.norm(), spot instanceof Point, originAgain().norm(), makers.makeAdder(1)(x)]);
  }),
  shape('files that import each other', 3, (ship) => {
    const ring = makeRing();
    ship((x: number) => [a(x), ring.other(), ring instanceof Ring]);
  }),
  shape('own keys called __proto__ and constructor', JSON.parse('{"__proto__":{"a":1}}'), (ship) => {
    const odd = JSON.parse('{"__proto__":{"a":1},"constructor":2}') as object;
    ship((item: object) => [
      [odd, item].map((value) => [Object.keys(value), 'a' in value, Object.hasOwn(value, '__proto__')]),
      'a' in {},
    ]);
  }),
  refusal('a revoked proxy', 'SHIP_PROXY', (ship) => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    ship(() => proxy);
  }),
  refusal('a proxy whose traps must not run', 'SHIP_PROXY', (ship) => {
    const trap = (): never => {
      throw new Error('a trap ran');
    };
    const all = { get: trap, has: trap, ownKeys: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap };
    const proxies = [new Proxy({}, all), new Proxy(() => 1, all)];
    ship(() => proxies);
  }),
  refusal('a proxy as the function itself', 'SHIP_PROXY', (ship) => ship(new Proxy((x: number) => x, {}))),
];
