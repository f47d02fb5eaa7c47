/**
 * The worker's counterpart of the captured graph: makes closures, classes, cells and references again from the
 * factories of an artifact. One per instantiation, so that no call sees what another did to its captured values.
 */
import { SerializationError } from '../errors/splitrock-error.ts';
import type { GraphExtension, JsonValue, ReceivedNode } from '../codec/graph-extension.ts';
import { resolveBuiltIn } from './built-ins.ts';
import { clientOnlyStandIn } from './client-only.ts';
import { restoreLinks } from './object-links.ts';

type Setter = (...values: unknown[]) => void;
type Made = readonly [made: unknown, set?: Setter];

/** What an artifact's module exports. */
export interface ArtifactModule {
  readonly v: number;
  readonly sites: Readonly<Record<string, (base?: unknown, keys?: readonly unknown[]) => Made>>;
  readonly exports: Readonly<Record<string, () => unknown>>;
}

export interface ReceivedGraphOptions {
  readonly module: ArtifactModule;
  /** Values that are made once per job and process, by site. */
  readonly reruns: Map<string, unknown>;
  /** Told of each class made, with the key under which its instances travel. */
  readonly onClass: (key: string, cls: object) => void;
}

type Data = Readonly<Record<string, JsonValue>>;
type AnyFunction = (...args: unknown[]) => unknown;

export class ReceivedGraph implements GraphExtension {
  readonly #options: ReceivedGraphOptions;
  readonly #setters = new Map<unknown, Setter>();

  constructor(options: ReceivedGraphOptions) {
    this.#options = options;
  }

  claims(): boolean {
    return false;
  }

  describe(): never {
    throw new SerializationError('INTERNAL', 'A received graph is never encoded.');
  }

  create({ tag, data, needs }: ReceivedNode): unknown {
    switch (tag) {
      case 'builtin':
        return builtIn(data as string);
      case 'cell':
        return this.#makeCell(data === true);
      case 'fn':
        return this.#makeFunction(data as Data);
      case 'class':
        return this.#makeClass(data as Data, needs);
      case 'member':
        return classMember(data as Data, needs);
      case 'prototype':
        return (needs[0] as { prototype: object }).prototype;
      case 'bound': {
        const [target, thisArg, ...args] = needs;
        return Reflect.apply(Function.prototype.bind, target as AnyFunction, [thisArg, ...args]);
      }
      case 'import':
        return this.#importExport(data as string);
      case 'rerun':
        return this.#rerun(data as string, needs);
      case 'client-only':
        return clientOnlyStandIn(data as string);
      case 'object':
        return Object.create(needs[0] as object) as object;
      case 'weak':
        return data === true ? new WeakMap() : new WeakSet();
      case 'revived':
        return revive(needs[0] as object, needs[1]);
      default:
        throw damaged(`it has a node of the unknown kind ${tag}`);
    }
  }

  fill(target: unknown, { tag, data }: ReceivedNode, children: readonly unknown[]): void {
    if (tag === 'cell') {
      setCell(target as object, children[0]);
    } else if (tag === 'prototype') {
      restoreLinks(target as object, data as Data, children);
    } else if (tag === 'weak') {
      fillWeak(target as WeakMap<object, unknown> | WeakSet<object>, children);
    } else {
      this.#setters.get(target)?.(...children);
      if (tag === 'fn' || tag === 'class') restoreLinks(target as object, (data as Data)['links'], children);
    }
  }

  #factory(site: JsonValue | undefined): ArtifactModule['sites'][string] {
    const { sites } = this.#options.module;
    const factory = typeof site === 'string' && Object.hasOwn(sites, site) ? sites[site] : undefined;
    if (factory === undefined) throw damaged('it names code that the artifact does not have');
    return factory;
  }

  #makeFunction({ s, n }: Data): unknown {
    const [made, set] = this.#factory(s)();
    if (set !== undefined) this.#setters.set(made, set);
    if (typeof n === 'string') nameFunction(made as AnyFunction, n);
    else if (n === null) Reflect.deleteProperty(made as AnyFunction, 'name');
    return made;
  }

  #makeClass({ s, k, n, base, missing }: Data, needs: readonly unknown[]): unknown {
    const [made, set] = this.#factory(s)(...(base === true ? [needs[0], needs.slice(1)] : [undefined, needs]));
    const cls = made as AnyFunction;
    if (set !== undefined) this.#setters.set(cls, set);
    if (typeof n === 'string') nameFunction(cls, n);
    for (const [isStatic, key] of (missing ?? []) as readonly (readonly [boolean, string])[]) {
      Reflect.deleteProperty(isStatic ? cls : (cls.prototype as object), key);
    }
    this.#options.onClass(typeof k === 'string' ? k : '', cls);
    return cls;
  }

  #makeCell(constant: boolean): object {
    if (!constant) return { v: undefined };
    const cell: Record<string, unknown> = {};
    const refuse = (): never => {
      throw new TypeError('Assignment to constant variable.');
    };
    Object.defineProperty(cell, 'v', { get: () => undefined, set: refuse, configurable: true });
    return cell;
  }

  #importExport(id: string): unknown {
    const { exports } = this.#options.module;
    const read = Object.hasOwn(exports, id) ? exports[id] : undefined;
    if (read === undefined) throw damaged('it names an import that the artifact does not have');
    const value = read();
    if (value === undefined) {
      throw new SerializationError(
        'DATA_CORRUPT',
        'The function is an export that its module does not have on this worker; correct the name of the export.',
      );
    }
    return value;
  }

  #rerun(site: string, needs: readonly unknown[]): unknown {
    const { reruns } = this.#options;
    if (!reruns.has(site)) {
      const [initialise, set] = this.#factory(site)();
      set?.(...needs);
      reruns.set(site, (initialise as () => unknown)());
    }
    return reruns.get(site);
  }
}

function setCell(cell: object, value: unknown): void {
  const { set } = Object.getOwnPropertyDescriptor(cell, 'v') as PropertyDescriptor;
  if (set === undefined) (cell as { v: unknown }).v = value;
  else Object.defineProperty(cell, 'v', { get: () => value, set, configurable: false });
}

function builtIn(name: string): unknown {
  const value = resolveBuiltIn(name);
  if (value === undefined) {
    throw new SerializationError(
      'DATA_VERSION',
      `The function uses the built-in \`${name}\`, which this worker's Node ${process.versions.node} does not have; use the client's Node version in the runtime.`,
    );
  }
  return value;
}

function nameFunction(fn: AnyFunction, name: string): void {
  const descriptor = Object.getOwnPropertyDescriptor(fn, 'name');
  if (descriptor?.configurable === true && descriptor.value !== name && typeof descriptor.value === 'string') {
    Object.defineProperty(fn, 'name', { value: name, configurable: true });
  }
}

function classMember({ static: isStatic, part }: Data, needs: readonly unknown[]): unknown {
  const [cls, key] = needs as [{ prototype: object }, PropertyKey];
  const member: unknown = Object.getOwnPropertyDescriptor(isStatic === true ? cls : cls.prototype, key)?.[
    part as 'value' | 'get' | 'set'
  ];
  if (typeof member !== 'function') throw damaged('it names a method that its class does not have');
  return member;
}

function fillWeak(target: WeakMap<object, unknown> | WeakSet<object>, children: readonly unknown[]): void {
  if (target instanceof WeakSet) {
    for (const key of children) target.add(key as object);
    return;
  }
  for (let index = 0; index < children.length; index += 2) target.set(children[index] as object, children[index + 1]);
}

/** The hook by which a class makes an instance from what its other hook made of one. */
export const DESERIALIZE = Symbol.for('splitrock.deserialize');
/** The hook by which a class turns an instance into data. */
export const SERIALIZE = Symbol.for('splitrock.serialize');

export function revive(cls: object, data: unknown): unknown {
  const hook: unknown = Reflect.get(cls, DESERIALIZE);
  if (typeof hook !== 'function') throw damaged('a class lacks its hook Symbol.for("splitrock.deserialize")');
  return Reflect.apply(hook, cls, [data]);
}

const damaged = (why: string): SerializationError =>
  new SerializationError('DATA_CORRUPT', `The captured values do not fit the function: ${why}; submit the job again.`);
