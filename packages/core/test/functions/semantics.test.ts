/** What users may rely on beyond a single call: snapshots, independence of calls, classes on the way in and out. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CLIENT_ONLY } from '../../src/functions/client-only.ts';
import { fn, moduleFunction } from '../../src/functions/explicit-form.ts';
import { silentLogger } from '../../src/contracts/logger.ts';
import type { AnyFunction } from '../../src/functions/capture-options.ts';
import { FunctionShipper } from '../../src/functions/ship-function.ts';
import { roundTrip, shipper } from './harness/round-trip.ts';
import { Point, Vault } from './shapes/lib/geometry.ts';
import { label, labelOf } from './shapes/lib/labels.ts';

const madeAgain = new Intl.NumberFormat('en');
let setLater: (() => string) | undefined;

async function isCollected(held: WeakRef<object>): Promise<boolean> {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 50 && held.deref() !== undefined; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  return held.deref() === undefined;
}

describe('captured values', () => {
  it('are as they were at the call, whatever happens later', async () => {
    const list = [1, 2];
    let total = 5;
    const trip = roundTrip(() => [list.length, total]);
    list.push(3);
    total = 6;
    expect(await (await trip).run()).toEqual([2, 5]);
  });

  it('are each call’s own: no call sees what another changed', async () => {
    const seen: number[] = [];
    let count = 0;
    const { run } = await roundTrip((x: number) => {
      seen.push(x);
      count += 1;
      return [seen, count];
    });
    expect(await run(1)).toEqual([[1], 1]);
    expect(await run(2)).toEqual([[2], 1]);
  });

  it('are not decoded again when nothing in them can change', async () => {
    const factor = 3;
    const double = (x: number): number => x * 2;
    const { loaded } = await roundTrip(() => double);
    expect(loaded.call(1, {})).toBe(loaded.call(2, {}));
    const changing = await roundTrip(() => [factor, { factor }, double]);
    expect(changing.loaded.call(1, {})).toEqual(changing.loaded.call(1, {}));
  });

  it('made again on the worker are made once per job, with a warning', async () => {
    const { loaded, shipped } = await roundTrip(() => madeAgain);
    expect(loaded.call(1, {})).toBe(loaded.call(2, {}));
    expect(loaded.call(1, {})).toBeInstanceOf(Intl.NumberFormat);
    expect(shipped.warnings).toEqual([
      expect.stringMatching(/`madeAgain` \(.*semantics\.test\.ts:\d+\) cannot be copied/),
    ]);
  });

  it('are read anew at each capture of one function', async () => {
    let total = 1;
    const list = [1];
    const settings = { unit: 'cm' };
    const read = (): unknown => [total, list, settings.unit, setLater?.()];
    expect(await (await roundTrip(read)).run()).toEqual([1, [1], 'cm', undefined]);
    total += 1;
    list.push(2);
    settings.unit = 'mm';
    setLater = () => 'set later';
    expect(await (await roundTrip(read)).run()).toEqual([2, [1, 2], 'mm', 'set later']);
  });

  it('that were not initialised at the first capture are there at the next', async () => {
    const read = (): string => later.name;
    expect(() => shipper().capture(read)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^SHIP_/) as string }),
    );
    const later = { name: 'there now' };
    expect(await (await roundTrip(read)).run()).toBe('there now');
  });

  it('are let go of after the capture', async () => {
    const own = shipper();
    const make = (data: object) => () => data;
    const shipOne = async (): Promise<WeakRef<object>> => {
      const data = { large: true };
      await own.ship(own.capture(make(data)));
      return new WeakRef(data);
    };
    expect(await isCollected(await shipOne())).toBe(true);
  });

  it('larger than the limit are refused, naming the largest', () => {
    const small = 'x';
    const big = 'y'.repeat(3_000_000);
    const limited = new FunctionShipper({ logger: silentLogger, maxEnvironmentBytes: 2_000_000 });
    expect(() => limited.capture(() => [small, big])).toThrow(/more than the limit of 2000000; the largest are `big`/);
    expect(shipper().capture(() => [small, big]).warnings).toEqual([expect.stringContaining('the largest are `big`')]);
  });
});

describe('globals that the program has changed', () => {
  const reach = globalThis as { splitrockOwn?: number; fetch: unknown };

  it('travel when they are named by themselves or kept in a variable', async () => {
    const { fetch: original } = globalThis;
    reach.splitrockOwn = 5;
    reach.fetch = (url: string) => `mine: ${url}`;
    const kept = reach.fetch as (url: string) => string;
    try {
      // @ts-expect-error it is only declared at run time
      const { run, shipped } = await roundTrip((url: string) => [kept(url), splitrockOwn as number]);
      expect(await run('x')).toEqual(['mine: x', 5]);
      expect(shipped.warnings).toEqual([]);
    } finally {
      reach.fetch = original;
      delete reach.splitrockOwn;
    }
  });

  it('are told of when workers have others', async () => {
    const { fetch: original } = globalThis;
    reach.splitrockOwn = 5;
    reach.fetch = () => 'mine';
    try {
      const { warnings } = shipper().capture(() => [
        fetch('x'),
        (globalThis as { splitrockOwn?: number }).splitrockOwn,
        // @ts-expect-error it is only declared at run time
        globalThis.splitrockOwn,
        setTimeout(() => {}, 1),
        new URL('http://x'),
      ]);
      expect(warnings).toEqual([
        expect.stringMatching(/^The function uses the global `fetch`, which this program has replaced/),
        expect.stringMatching(/^The function uses `globalThis\.splitrockOwn`, which this program has set/),
      ]);
      expect(shipper().capture(() => (reach.splitrockOwn ??= 1)).warnings).toEqual([]);
    } finally {
      reach.fetch = original;
      delete reach.splitrockOwn;
    }
  });
});

describe('classes', () => {
  class Money {
    readonly cents: number;
    constructor(cents: number) {
      this.cents = cents;
    }
    format(): string {
      return `${this.cents / 100} €`;
    }
  }
  class PaymentError extends Error {
    override name = 'PaymentError';
    constructor(what: string) {
      super(`cannot pay ${what}`);
    }
  }

  it('of results come back as the client’s own', async () => {
    const { run } = await roundTrip((x: number) => ({ paid: new Money(x), point: new Point(x, 0) }));
    const result = (await run(5)) as { paid: Money; point: Point };
    expect(result.paid).toBeInstanceOf(Money);
    expect(result.paid.format()).toBe('0.05 €');
    expect(result.point).toBeInstanceOf(Point);
  });

  it('of thrown errors come back as the client’s own', async () => {
    const { loaded, shipped } = await roundTrip(() => {
      throw new PaymentError('rent');
    });
    let thrown: unknown;
    try {
      loaded.call(1, {});
    } catch (error) {
      thrown = shipped.decodeResult(loaded.encodeResult(error));
    }
    expect(thrown).toBeInstanceOf(PaymentError);
    expect((thrown as Error).message).toBe('cannot pay rent');
  });

  it('of inputs travel though the function never names them', async () => {
    const format = (item: { format(): string }): string => item.format();
    const { run } = await roundTrip(format, { inputs: [[new Money(250)]] });
    expect(await run(new Money(250))).toBe('2.5 €');
  });

  it('given as an option travel for inputs that are not known yet', async () => {
    const { run } = await roundTrip((item: Money) => item.format(), { classes: [Money] });
    expect(await run(new Money(100))).toBe('1 €');
  });

  it('with #private fields are refused among inputs and results, by name', async () => {
    const { shipped, loaded } = await roundTrip(() => new Vault());
    expect(() => shipped.encodeInput({ all: [new Vault()] })).toThrow(
      /an instance of Vault, whose private member #secret would be lost \[path=\.all\[0\]\]/,
    );
    expect(() => loaded.encodeResult(loaded.call(1, {}))).toThrow(/#secret/);
  });

  it('with #private methods, which the other side could not give them, are refused as well', async () => {
    class Account {
      readonly shape = 'static #drawn(by the text)';
      static #count(): number {
        return 1;
      }
      #fee(): number {
        return Account.#count();
      }
      total(): number {
        return this.#fee();
      }
    }
    class Savings extends Account {}
    const account = new Savings();
    expect(() => shipper().capture(() => account.total())).toThrow(
      expect.objectContaining({ code: 'SHIP_PRIVATE_INSTANCE', path: ['account'] }),
    );
    const { shipped, run } = await roundTrip(() => new Savings().total());
    expect(await run()).toBe(1);
    expect(() => shipped.encodeInput(account)).toThrow(/private member #fee/);
  });

  it('whose arrow functions use #private names say how to do without', () => {
    class Study {
      #factor = 3;
      static make = (): number => new Study().#factor;
      run(): unknown {
        return shipper().capture((x: number) => x * this.#factor);
      }
    }
    expect(() => new Study().run()).toThrow(/Read it first, `const value = this\.#factor;`/);
    expect(() => shipper().capture(() => Study)).toThrow(/→ \.make\..*write a method in place of an arrow function/);
    expect(() => shipper().capture(Object.getOwnPropertyDescriptor(Study.prototype, 'run')?.value)).toThrow(
      /Ship the class instead of the lone method/,
    );
  });

  it('of errors that hold what cannot travel still bring name, message and stack', async () => {
    const { loaded, shipped } = await roundTrip((x: unknown) => z.object({ id: z.number() }).parse(x));
    let thrown: unknown;
    try {
      loaded.call({ id: 'text' }, {});
    } catch (error) {
      thrown = shipped.decodeResult(loaded.encodeResult(error));
    }
    expect((thrown as Error).name).toBe('ZodError');
    expect((thrown as Error).message).toContain('expected number');
  });
});

describe('#private members that a class put onto objects not its own', () => {
  // oxlint-disable-next-line typescript/no-extraneous-class -- this is what is tried
  class Given {
    constructor(given: object) {
      return given;
    }
  }
  class Brand extends Given {
    #mark = 'marked';
    static has(object: object): boolean {
      return #mark in object && object.#mark === 'marked';
    }
  }
  const branded = <Kind extends object>(object: Kind): Kind => {
    void new Brand(object);
    return object;
  };
  const refused = (path: readonly string[]): object =>
    expect.objectContaining({
      code: 'SHIP_PRIVATE_INSTANCE',
      path,
      message: expect.stringMatching(/private member `#(?:mark|text)`.*WeakMap, or put the member onto it/) as string,
    }) as object;

  it.each<[string, object]>([
    ['a plain object', {}],
    ['an array', [1]],
    ['a Map', new Map()],
    ['an instance', new Point(1, 2)],
    ['a function', () => 1],
    ['a class', class extends Map {}],
    ['a typed array', new Uint8Array(1)],
    ['a frozen object', Object.freeze({ a: [] })],
  ])('are refused on %s, with the way to it', (_kind, value) => {
    const held = { before: { id: 1 }, list: [{}, branded(value)] };
    expect(() => shipper().capture(() => [held, Brand])).toThrow(refused(['held', '.list[1]']));
  });

  it('are refused where the class is another module’s, which the function reaches by what it imports', () => {
    const tagged = [label({ id: 1 }, 'lost')];
    expect(() => shipper().capture(() => tagged.map(labelOf))).toThrow(refused(['tagged', '[0]']));
    expect(() => shipper().capture(() => [tagged, label])).toThrow(refused(['tagged', '[0]']));
  });

  it('are not asked for where nothing that travels could tell', async () => {
    const tagged = label({ id: 1 }, 'unseen');
    expect(await (await roundTrip(() => tagged)).run()).toEqual({ id: 1 });
  });

  it('are refused among inputs and results', async () => {
    const { shipped, run, loaded } = await roundTrip((item: object) => [Brand.has(item), Brand.has(branded(item))]);
    expect(await run({ id: 1 })).toEqual([false, true]);
    expect(() => shipped.encodeInput({ all: [branded({})] })).toThrow(/#mark, which would be lost \[path=\.all\[0\]\]/);
    expect(() => loaded.encodeResult([branded({})])).toThrow(/#mark, which would be lost \[path=\[0\]\]/);
  });

  it('of a class that has hooks, or is an ordinary one, do not stop it', async () => {
    class Base {
      readonly base = 1;
    }
    class Counter extends Base {
      #count = 2;
      static [Symbol.for('splitrock.serialize')](): null {
        return null;
      }
      static [Symbol.for('splitrock.deserialize')](): Counter {
        return new Counter();
      }
      sum(): number {
        return this.base + this.#count;
      }
    }
    const counter = new Counter();
    expect(await (await roundTrip(() => [counter.sum(), Brand.has({})])).run()).toEqual([3, false]);
  });

  it('that are methods cannot be seen, so that the class is warned of', () => {
    class Trick extends Given {
      #play(): number {
        return 1;
      }
      static play(object: object): number {
        return (object as Trick).#play();
      }
    }
    class Honest extends Map {
      #play(): number {
        return 1;
      }
      play(): number {
        return this.#play();
      }
    }
    expect(shipper().capture(() => new Honest().play()).warnings).toEqual([]);
    expect(shipper().capture(() => Trick.play({})).warnings).toEqual([
      expect.stringMatching(/^The class `Trick` can put its private methods onto objects/),
    ]);
  });
});

describe('an executor', () => {
  const executor = { [CLIENT_ONLY]: 'executor', map: (f: AnyFunction) => roundTrip(f) };
  // oxlint-disable-next-line typescript/no-extraneous-class -- this shape is what is tried
  Object.setPrototypeOf(executor, class Executor {}.prototype);
  class Study {
    factor = 3;
    run() {
      return executor.map((x: number) => x * this.factor);
    }
    runInside() {
      return executor.map(() => this.run());
    }
  }

  it('may be named by the methods that start jobs', async () => {
    expect(await (await new Study().run()).run(5)).toBe(15);
  });

  it('says that it is the client’s when a call uses it', async () => {
    const { loaded } = await new Study().runInside();
    expect(() => loaded.call(1, {})).toThrow(/The client's executor cannot be used inside a call/);
  });
});

describe('the explicit forms', () => {
  it('name what they capture', async () => {
    const scaled = fn({ factor: 3 }, (captures, item: number) => item * captures.factor);
    expect(scaled(2)).toBe(6);
    expect(await (await roundTrip(scaled)).run(5)).toBe(15);
  });

  it('name a module and its export', async () => {
    const file = new URL('./shapes/lib/geometry.ts', import.meta.url);
    const origin = moduleFunction<[number], Point>(file);
    const result = await (await roundTrip(origin)).run(1);
    expect(result).toMatchObject({ x: 0, y: 0 });
  });

  it('say when the module or its export is not there, at home and when they are given to an executor', async () => {
    const geometry = new URL('./shapes/lib/geometry.ts', import.meta.url);
    const misspelt = moduleFunction(geometry, 'orign');
    await expect(misspelt(1 as never)).rejects.toThrow(/no function exported as `orign`/);
    const own = shipper();
    await expect(own.ship(own.capture(misspelt))).rejects.toMatchObject({
      code: 'SHIP_IMPORT_UNRESOLVED',
      message: expect.stringMatching(/geometry\.ts` exports no `orign`\. Export it there/) as string,
    });
    expect(() => own.capture(moduleFunction('./nowhere.ts'))).toThrow(/nowhere\.ts` does not exist/);
  });
});

describe('stacks', () => {
  it('of the worker point at the user’s own lines', async () => {
    const { loaded, shipped } = await roundTrip(() => {
      throw new Error('here');
    });
    let stack = '';
    try {
      loaded.call(1, {});
    } catch (error) {
      stack = shipped.mapStack((error as Error).stack ?? '');
    }
    expect(stack).toMatch(/at .*semantics\.test\.ts:\d+:\d+/);
    expect(stack).not.toContain(`${shipped.sha256}.mjs`);
  });
});
