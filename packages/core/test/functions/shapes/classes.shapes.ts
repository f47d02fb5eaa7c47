import { EventEmitter } from 'node:events';
import { refusal, shape, type Shape } from './shape.ts';

let staticBlockRuns = 0;
let initialiserRuns = 0;

class Animal {
  readonly name: string;
  static made = 0;
  constructor(name: string) {
    this.name = name;
    Animal.made += 1;
  }
  speak(): string {
    return `${this.name} makes a sound`;
  }
}
class Dog extends Animal {
  override speak(): string {
    return `${super.speak()}: woof`;
  }
  get loud(): string {
    return this.speak().toUpperCase();
  }
}
class Greeter {
  #word(): string {
    return 'hello';
  }
  greet(): string {
    return this.#word();
  }
}

class Counter {
  static #instances = 3;
  #value = 0;
  increment(): this {
    this.#value += 1;
    Counter.#instances += 1;
    return this;
  }
  get value(): number {
    return this.#value;
  }
  static get instances(): number {
    return Counter.#instances;
  }
  static #hidden(x: number): number {
    return x * 2;
  }
  static reveal(x: number): number {
    return Counter.#hidden(x);
  }
}
class Registry {
  static entries = new Map<string, number>();
  static self = Registry;
  static computed = (initialiserRuns += 1);
  static {
    staticBlockRuns += 1;
    Registry.entries.set('from block', staticBlockRuns);
  }
}
Registry.entries.set('later', 2);
class Late {
  static current = 1;
}
Late.current = 99;
const key = `method_${1 + 1}`;
const symbolMethod = Symbol('m');
class Computed {
  [key](): string {
    return 'computed';
  }
  static [symbolMethod](): string {
    return 'symbol';
  }
  *[Symbol.iterator](): Generator<number> {
    yield 1;
  }
  get [`get_${key}`](): number {
    return 5;
  }
}
// eslint-disable-next-line typescript/no-explicit-any -- what TypeScript wants of mixins
type Constructor = new (...args: any[]) => object;
const Timestamped = <Base extends Constructor>(base: Base) =>
  class extends base {
    stamp(): string {
      return `stamped ${'name' in this ? String(this.name) : ''}`;
    }
  };
const StampedDog = Timestamped(Dog as never);
const StampedObject = Timestamped(Object);
class Button {
  label = 'ok';
  handler = (suffix: string): string => this.label + suffix;
  static registry = { count: 0 };
  static bump = (): number => (this.registry.count += 1);
}
class Bound {
  prefix = 'bound';
  constructor() {
    this.greet = this.greet.bind(this);
  }
  greet(name: string): string {
    return `${this.prefix} ${name}`;
  }
}
class Temperature {
  #celsius: number;
  constructor(celsius: number) {
    this.#celsius = celsius;
  }
  get fahrenheit(): number {
    return this.#celsius * 1.8 + 32;
  }
  static [Symbol.for('splitrock.serialize')](instance: Temperature): number {
    return instance.#celsius;
  }
  static [Symbol.for('splitrock.deserialize')](celsius: number): Temperature {
    return new Temperature(celsius);
  }
}
// oxlint-disable-next-line typescript/no-extraneous-class -- this shape is what is tried
class Given {
  constructor(given: object) {
    // oxlint-disable-next-line no-constructor-return -- this shape is what is tried
    return given;
  }
}
class Brand extends Given {
  #mark = 'marked';
  static markOf(object: object): string | undefined {
    return #mark in object ? (object as Brand).#mark : undefined;
  }
}
class Callable extends Function {
  constructor() {
    super();
    // oxlint-disable-next-line no-constructor-return -- this shape is what is tried
    return Object.setPrototypeOf(() => 1, new.target.prototype) as Callable;
  }
}
class Caller extends Callable {
  #calls = 0;
  count(): number {
    return this.#calls;
  }
}
class NamedStatically {
  static override: unknown;
  static name = 'own name';
  static length = 42;
}

export const classes: Shape[] = [
  shape('19 derived class, new inside', 'Rex', (ship) =>
    ship((name: string) => [new Dog(name).speak(), new Dog(name).loud, new Dog(name) instanceof Animal]),
  ),
  shape('20 instance of a derived class captured', 'x', (ship) => {
    const rex = new Dog('Rex');
    ship(() => [rex.speak(), rex.loud, rex instanceof Dog, Object.keys(rex), rex.constructor.name]);
  }),
  shape('21 class with #private, new inside, static #', 2, (ship) =>
    ship((x: number) => [new Counter().increment().increment().value, Counter.instances, Counter.reveal(x)]),
  ),
  refusal('22 instance with #private captured', 'SHIP_PRIVATE_INSTANCE', (ship) => {
    const counter = new Counter();
    ship(() => counter.value);
  }),
  refusal('22b instance with a #private method captured', 'SHIP_PRIVATE_INSTANCE', (ship) => {
    const greeter = new Greeter();
    ship(() => greeter.greet());
  }),
  shape("23 static field's current value", 1, (ship) => ship(() => [Late.current, Animal.made > 0])),
  shape('25 object method', 3, (ship) => {
    const object = {
      factor: 3,
      times(x: number): number {
        return x * 3;
      },
    };
    ship(object.times);
  }),
  shape('26 class method as function', 3, (ship) => {
    class Tools {
      double(x: number): number {
        return x * 2;
      }
      async slow(x: number): Promise<number> {
        return x;
      }
    }
    // eslint-disable-next-line typescript/unbound-method -- this shape is what is tried
    ship(new Tools().double);
  }),
  shape('27, 28 static method as function', 3, (ship) => {
    class Tools {
      static async triple(x: number): Promise<number> {
        return x * 3;
      }
    }
    // eslint-disable-next-line typescript/unbound-method -- this shape is what is tried
    ship(Tools.triple);
  }),
  shape('a getter as function', 3, (ship) => {
    const getter = Object.getOwnPropertyDescriptor(
      {
        get five() {
          return 5;
        },
      },
      'five',
    )?.get;
    ship(() => [getter?.call(undefined), getter?.name]);
  }),
  shape('55 computed method keys', 1, (ship) =>
    ship(() => [
      (new Computed() as unknown as Record<string, () => string>)['method_2']?.(),
      Computed[symbolMethod](),
      [...new Computed()],
      (new Computed() as unknown as Record<string, unknown>)['get_method_2'],
    ]),
  ),
  shape('59 class extends a node: class', 1, (ship) => {
    class Bus extends EventEmitter {
      ping(): string {
        let got = 'nothing';
        this.on('ping', (value: string) => (got = value));
        this.emit('ping', 'pong');
        return got;
      }
    }
    ship(() => [new Bus().ping(), new Bus() instanceof EventEmitter]);
  }),
  shape('75 static block not run again, static self reference', 1, (ship) =>
    ship(() => [[...Registry.entries], Registry.self === Registry, Registry.computed]),
  ),
  shape('76 mixin class', 'Rex', (ship) => {
    const Two = Timestamped(Timestamped(Object));
    ship((name: string) => [
      new (StampedDog as never as new (n: string) => { stamp(): string })(name).stamp(),
      new StampedObject().stamp(),
      new Two().stamp(),
    ]);
  }),
  shape('arrow field using this on a captured instance', '!', (ship) => {
    const button = new Button();
    button.label = 'changed';
    ship((x: string) => {
      button.label += '?';
      return [button.handler(x), Button.bump(), Button.registry.count];
    });
  }),
  shape('a method bound in its constructor', 'you', (ship) => {
    const { greet } = new Bound();
    ship(greet);
  }),
  shape('an instance that holds its bound method', 'you', (ship) => {
    const bound = new Bound();
    ship((x: string) => [bound.greet(x), Reflect.apply(bound.greet, undefined, [x])]);
  }),
  shape('31 bound function with arguments', 3, (ship) => {
    function add(this: { base: number }, a: number, b: number): number {
      return this.base + a + b;
    }
    ship(add.bind({ base: 100 }, 10));
  }),
  shape('monkey-patched and extended prototypes', 1, (ship) => {
    class Patched {
      original(): string {
        return 'original';
      }
    }
    const before = Patched.prototype.original;
    Patched.prototype.original = function (this: Patched): string {
      return `patched ${Reflect.apply(before, this, [])}`;
    };
    Object.assign(Patched.prototype, { added: 7 });
    const instance = new Patched();
    ship(() => [new Patched().original(), (instance as unknown as { added: number }).added, instance.original()]);
  }),
  shape('identity of a method that came with its class', 1, (ship) => {
    // eslint-disable-next-line typescript/unbound-method -- this shape is what is tried
    const held = { Dog, speak: Dog.prototype.speak };
    ship(() => [held.speak === held.Dog.prototype.speak]);
  }),
  shape('a static name and length', 1, (ship) => ship(() => [NamedStatically.name, NamedStatically.length])),
  shape('an anonymous class and its name', 1, (ship) => {
    const Anonymous = (() => class {})();
    const Named = class {};
    ship(() => [Anonymous.name, Named.name, new Named().constructor.name]);
  }),
  shape('class with accessors and instance fields that capture', 2, (ship) => {
    const base = 40;
    class Thing {
      value = base + 1;
      #inner = base;
      get inner(): number {
        return this.#inner;
      }
      set inner(value: number) {
        this.#inner = value;
      }
    }
    ship((x: number) => {
      const thing = new Thing();
      thing.inner += x;
      return [thing.value, thing.inner];
    });
  }),
  shape('an instance whose class has the serialize hooks', 1, (ship) => {
    const warm = new Temperature(30);
    ship(() => warm.fahrenheit);
  }),
  shape('a class that is its own child', 1, (ship) => {
    class Tree {
      children: Tree[] = [];
      static root: Tree;
      depth(): number {
        return 1 + Math.max(0, ...this.children.map((child) => child.depth()));
      }
    }
    Tree.root = new Tree();
    Tree.root.children.push(new Tree(), Object.assign(new Tree(), { children: [new Tree()] }));
    ship(() => [Tree.root.depth(), Tree.root.children[0] instanceof Tree]);
  }),
  shape('a class that extends null', 1, (ship) => {
    class Bare extends (null as unknown as ObjectConstructor) {
      static make(): object {
        return Object.create(Bare.prototype) as object;
      }
    }
    ship(() => [Object.getPrototypeOf(Bare.prototype), 'toString' in Bare.make()]);
  }),
  refusal('22c an object onto which a class put its #private', 'SHIP_PRIVATE_INSTANCE', (ship) => {
    const plain = { id: 1 };
    void new Brand(plain);
    ship(() => [plain.id, Brand.markOf(plain)]);
  }),
  refusal('22d an instance with #private of a class of functions', 'SHIP_PRIVATE_INSTANCE', (ship) => {
    const caller = new Caller() as Caller & (() => number);
    ship(() => [caller(), caller.count()]);
  }),
  shape('a class that puts its #private onto other objects, on the worker', { id: 1 }, (ship) =>
    ship((item: object) => [Brand.markOf(item), void new Brand(item), Brand.markOf(item)]),
  ),
  refusal('a lone method that uses super', 'SHIP_SUPER', (ship) => {
    // eslint-disable-next-line typescript/unbound-method -- this shape is what is tried
    const { speak } = Dog.prototype;
    ship(() => speak);
  }),
  refusal('a lone method that uses a #private', 'SHIP_PRIVATE_NAME', (ship) => {
    // eslint-disable-next-line typescript/unbound-method -- this shape is what is tried
    ship(Counter.prototype.increment);
  }),
  refusal('an arrow that uses an outer new.target', 'SHIP_NEW_TARGET', (ship) => {
    function Outer(): void {
      ship(() => new.target);
    }
    Reflect.construct(Outer, []);
  }),
];
