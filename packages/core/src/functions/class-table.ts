/**
 * Instances in inputs and results: both sides know the classes of a function by key, so an instance gets the class of
 * the side where it arrives.
 */
import { types } from 'node:util';
import { unsupported } from '../codec/codec-errors.ts';
import type { ExtensionNode, GraphExtension, GraphSite, ReceivedNode } from '../codec/graph-extension.ts';
import { SerializationError } from '../errors/splitrock-error.ts';
import { LiveInspector } from './inspector.ts';
import { privateMethodOf } from './private-members.ts';
import { revive, SERIALIZE } from './received-graph.ts';
import { stampOn } from './stamped-privates.ts';

type AnyClass = (abstract new (...args: never[]) => unknown) & { readonly prototype: object };

export interface ClassTableOptions {
  /** The class of a key, on the side that decodes. */
  readonly classOf: (key: string) => object | undefined;
  /** The key of a class, on the side that encodes. */
  readonly keyOf: (cls: object) => string | undefined;
  /** Whether values may have `#private` members of classes that are not theirs: then each is asked. */
  readonly mayBeStamped?: () => boolean;
}

export class ClassTable implements GraphExtension {
  readonly #options: ClassTableOptions;
  readonly #privates = new Map<object, boolean>();

  constructor(options: ClassTableOptions) {
    this.#options = options;
  }

  claims(value: object): boolean {
    return this.#stampOn(value) !== undefined;
  }

  #stampOn(value: object): string | undefined {
    if (this.#options.mayBeStamped?.() !== true) return undefined;
    const live = inspector();
    return live === undefined ? undefined : stampOn(value, live);
  }

  describe(value: object | symbol, site: GraphSite): ExtensionNode | undefined {
    if (typeof value === 'symbol' || types.isProxy(value)) return undefined;
    const stamp = this.#stampOn(value);
    if (stamp !== undefined) {
      throw unsupported({
        kind: 'class',
        what: `an object onto which a class that is not its own has put ${stamp}, which would be lost`,
        path: site.path(),
        remedy: 'send plain data, and put the member onto it on the other side',
        value,
      });
    }
    const cls = typeof value === 'function' ? value : ownedBy(value);
    if (cls !== undefined) {
      const key = this.#options.keyOf(cls);
      return key === undefined ? undefined : { tag: cls === value ? 'class' : 'prototype', data: key };
    }
    return this.#describeInstance(value, site);
  }

  #describeInstance(value: object, site: GraphSite): ExtensionNode | undefined {
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === null || prototype === Object.prototype || types.isProxy(prototype)) return undefined;
    const cls = ownedBy(prototype);
    const key = cls === undefined ? undefined : this.#options.keyOf(cls);
    if (cls === undefined || key === undefined) return undefined;
    const hook: unknown = Reflect.get(cls, SERIALIZE);
    if (typeof hook === 'function') {
      return {
        tag: 'revived',
        data: key,
        needs: [Reflect.apply(hook, cls, [value])],
        whole: true,
        labels: ['what its hook made of it'],
      };
    }
    this.#refusePrivates(value, prototype, site);
    return undefined;
  }

  #refusePrivates(value: object, prototype: object, site: GraphSite): void {
    const mayHave = this.#privates.get(prototype) ?? chainNamesPrivates(prototype);
    this.#privates.set(prototype, mayHave);
    if (!mayHave) return;
    const name = inspector()?.privateNames(value)[0] ?? privateMethodOf(prototype);
    if (name === undefined) return;
    throw unsupported({
      kind: 'class',
      what: `an instance of ${ownedBy(prototype)?.name ?? 'a class'}, whose private member ${name} would be lost`,
      path: site.path(),
      remedy:
        'give the class the static hooks Symbol.for("splitrock.serialize") and Symbol.for("splitrock.deserialize"), or send plain data',
      value,
    });
  }

  create({ tag, data, needs }: ReceivedNode): unknown {
    const cls = typeof data === 'string' ? this.#options.classOf(data) : undefined;
    if (tag === 'revived' && cls !== undefined) return revive(cls, needs[0]);
    if (tag === 'class' && cls !== undefined) return cls;
    // Of a class that this side does not know, for example because another function's result became an input.
    if (tag === 'prototype') return (cls as AnyClass | undefined)?.prototype ?? Object.prototype;
    throw new SerializationError(
      'DATA_CORRUPT',
      'A value names a class that this side does not know; use it where its class is captured by the function.',
    );
  }
}

/** What tells of `#private` fields, where there is one. */
function inspector(): LiveInspector | undefined {
  try {
    return LiveInspector.connect();
  } catch {
    return undefined;
  }
}

/** The class whose prototype an object is. */
function ownedBy(prototype: object): AnyClass | undefined {
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  if (typeof constructor !== 'function' || types.isProxy(constructor)) return undefined;
  return Object.getOwnPropertyDescriptor(constructor, 'prototype')?.value === prototype
    ? (constructor as unknown as AnyClass)
    : undefined;
}

/** Cheap and rarely wrong; the inspector then tells for certain. */
function chainNamesPrivates(start: object): boolean {
  for (
    let prototype: object | null = start;
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype) as object | null
  ) {
    if (types.isProxy(prototype)) return false;
    const cls = ownedBy(prototype);
    if (cls !== undefined && Function.prototype.toString.call(cls).includes('#')) return true;
  }
  return false;
}
