import { describe, expect, it } from 'vitest';
import { SerializationError } from '../errors/splitrock-error.ts';
import { decodeValue, encodeValue } from './codec.ts';
import type { ExtensionNode, GraphExtension, LateChildren } from './graph-extension.ts';

class Point {
  x: number;
  peer: unknown;

  constructor(x: number) {
    this.x = x;
  }
}
class Vault {
  readonly #content: unknown;

  constructor(content: unknown) {
    this.#content = content;
  }

  open(): unknown {
    return this.#content;
  }
}

interface Closure {
  (): unknown;
  captured?: unknown;
}
const closure = (captured?: unknown): Closure => {
  const made: Closure = () => made.captured;
  Object.defineProperty(made, 'captured', { value: captured, writable: true });
  return made;
};

const classes: Record<string, { prototype: object }> = { Point, Vault };

/** Classes by name, built-ins by path, closures, bound functions, hooks, WeakMaps: one of each thing an extension may do. */
function extension(entries = new Map<object, [object, unknown][]>()): GraphExtension {
  const told = new Set<object>();
  const describe = (value: object | symbol): ExtensionNode | undefined => {
    if (value === Math) return { tag: 'builtin', data: 'Math' };
    if (value instanceof Vault) return { tag: 'vault', needs: [value.open()], whole: true, labels: ['content'] };
    for (const [name, type] of Object.entries(classes)) {
      if (value === type) return { tag: 'class', data: name };
      if (value === type.prototype) return { tag: 'prototype', needs: [type] };
    }
    if (value instanceof WeakMap) return { tag: 'weak-map' };
    if (typeof value !== 'function') return undefined;
    const target = bound.get(value);
    if (target !== undefined) return { tag: 'bound', needs: target, labels: ['target', 'this'] };
    const own = Reflect.ownKeys(value).filter((key) => !['length', 'name', 'captured'].includes(key as string));
    return { tag: 'closure', children: [(value as Closure).captured], labels: ['variable captured'], own };
  };
  return {
    claims: (value) => value === Math,
    describe,
    settle: (graph): LateChildren[] => {
      const late: LateChildren[] = [];
      for (const [map, pairs] of entries) {
        for (const [key, item] of pairs) {
          if (!graph.has(map) || !graph.has(key) || told.has(key)) continue;
          told.add(key);
          late.push({ of: map, children: [key, item] });
        }
      }
      return late;
    },
    create: ({ tag, data, needs }) => {
      switch (tag) {
        case 'builtin':
          return Math;
        case 'class':
          return classes[data as string];
        case 'prototype':
          return (needs[0] as { prototype: object }).prototype;
        case 'vault':
          return new Vault(structuredClone(needs[0]));
        case 'weak-map':
          return new WeakMap();
        case 'bound':
          return (needs[0] as Closure).bind(needs[1]);
        default:
          return closure();
      }
    },
    fill: (target, { tag }, children) => {
      if (tag === 'weak-map') (target as WeakMap<object, unknown>).set(children[0] as object, children[1]);
      else (target as Closure).captured = children[0];
    },
  };
}

const bound = new WeakMap<object, readonly unknown[]>();
function bind(target: Closure, self: unknown): Closure {
  const made = target.bind(self);
  bound.set(made, [target, self]);
  return made;
}

function travel<T>(value: T, entries?: Map<object, [object, unknown][]>): T {
  return decodeValue(encodeValue(value, { extension: extension(entries) }), { extension: extension() }) as T;
}

describe('an extension', () => {
  it('gives instances their class back, cycles included', () => {
    const one = new Point(1);
    one.peer = { back: one };
    const copy = travel([one, new Point(2)]);
    expect(copy.every((point) => point instanceof Point)).toBe(true);
    const [first] = copy;
    expect((first as Point & { peer: { back: unknown } }).peer.back).toBe(first);
  });

  it('has built-ins recognised amid plain data', () => {
    const copy = travel({ plain: [1, { tools: Math }], other: [{ a: 1 }] });
    expect(copy.plain[1]).toEqual({ tools: Math });
    expect((copy.plain[1] as { tools: unknown }).tools).toBe(Math);
  });

  it('carries closures that capture each other and themselves', () => {
    const first = closure();
    const second = closure({ first });
    first.captured = [first, second];
    const copy = travel(first);
    const [self, other] = copy() as [Closure, Closure];
    expect(self).toBe(copy);
    expect((other() as { first: unknown }).first).toBe(copy);
  });

  it('carries what is needed before what needs it, in long chains and in cycles through what is filled', () => {
    const owner: { method?: Closure } = {};
    let chain = closure(owner);
    for (let depth = 0; depth < 5_000; depth++) chain = bind(chain, owner);
    owner.method = chain;
    const copy = travel(chain);
    expect((copy() as { method: unknown }).method).toBe(copy);
  });

  it('carries own properties of functions with their descriptors', () => {
    const fn = Object.defineProperty(closure(1), 'version', { value: [1], enumerable: true });
    const copy = travel(Object.freeze(fn)) as Closure & { version: unknown };
    expect(Object.getOwnPropertyDescriptor(copy, 'version')).toEqual({
      value: [1],
      enumerable: true,
      writable: false,
      configurable: false,
    });
    expect(Object.isExtensible(copy)).toBe(false);
  });

  it('carries accessors by their functions', () => {
    const copy = travel(Object.defineProperty({}, 'answer', { get: closure(42), enumerable: true })) as {
      answer: unknown;
    };
    expect(typeof Object.getOwnPropertyDescriptor(copy, 'answer')?.get).toBe('function');
  });

  it('gets complete data for a whole node, also nested and needed by others', () => {
    const inner = new Vault({ deep: new Map([['a', [1, 2]]]) });
    const data = { inner: inner.open(), list: [new Date(1)] };
    const vault = new Vault(data);
    const method = bind(closure('x'), vault);
    const copy = travel({ before: [vault], method, vault });
    expect(copy.vault).toBeInstanceOf(Vault);
    expect(copy.vault.open()).toEqual(data);
    expect(copy.before[0]).toBe(copy.vault);
    expect(copy.method()).toBe('x');
  });

  it('has a cycle through a whole node refused with its path', () => {
    const data: { vault?: unknown } = {};
    data.vault = new Vault(data);
    const error = (() => {
      try {
        encodeValue(data.vault, { extension: extension() });
      } catch (caught) {
        return caught as SerializationError;
      }
      return undefined;
    })();
    expect([error?.code, error?.details.path]).toEqual(['SERIALIZE_UNSUPPORTED', '.[[content]].vault']);
  });

  it('adds entries of a WeakMap whose keys are in the graph, until there are no more', () => {
    const weak = new WeakMap();
    const [first, second, absent] = [{ id: 1 }, { id: 2 }, { id: 3 }];
    const entries = new Map<object, [object, unknown][]>([
      [
        weak,
        [
          [second, 'end'],
          [absent, 'never'],
          [first, { next: second }],
        ],
      ],
    ]);
    const copy = travel({ weak, first }, entries);
    const next = copy.weak.get(copy.first) as { next: object };
    expect(next.next).toEqual({ id: 2 });
    expect(copy.weak.get(next.next)).toBe('end');
  });

  it('turns refusals into its own errors, with kind and path', () => {
    const own = {
      ...extension(),
      refuse: ({ kind, path }: { kind: string; path: string }) => new RangeError(`${kind} at ${path}`),
    };
    expect(() => encodeValue([closure({ later: Promise.resolve() })], { extension: own })).toThrow(
      new RangeError('promise at [0].[[variable captured]].later'),
    );
  });

  it('has its own errors pass through both ways, and is told the path', () => {
    const failing: GraphExtension = {
      claims: () => false,
      describe: (value, site) => {
        if (typeof value === 'function') throw new RangeError(`no functions at ${site.path()}`);
        return { tag: 'any' };
      },
      create: () => {
        throw new RangeError('not today');
      },
    };
    expect(() =>
      encodeValue(new Point(1), {
        extension: {
          ...failing,
          describe: (value, site) => (typeof value === 'function' ? failing.describe(value, site) : undefined),
        },
      }),
    ).not.toThrow();
    expect(() =>
      encodeValue(
        { a: [closure()] },
        {
          extension: {
            ...failing,
            describe: (value, site) => (typeof value === 'function' ? failing.describe(value, site) : undefined),
          },
        },
      ),
    ).toThrow(new RangeError('no functions at .a[0]'));
    expect(() => decodeValue(encodeValue(closure(), { extension: extension() }), { extension: failing })).toThrow(
      new RangeError('not today'),
    );
  });

  it('must be there on the other side', () => {
    const bytes = encodeValue(closure(), { extension: extension() });
    expect(() => decodeValue(bytes)).toThrow(SerializationError);
  });
});
