/**
 * Knows the prototypes of built-in classes, also those of other realms (`node:vm`, jest, vitest's vm pools): an object
 * made there is as plain as one made here, and arrives with the reader's own prototype.
 */
import { types } from 'node:util';
import { VIEW_CLASSES } from './format.ts';

const NAMES = [
  'Object',
  'Array',
  'Map',
  'Set',
  'Date',
  'RegExp',
  'ArrayBuffer',
  'Boolean',
  'Number',
  'String',
  'BigInt',
  'Symbol',
  'URL',
  'URLSearchParams',
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'ReferenceError',
  'EvalError',
  'URIError',
  'AggregateError',
  'SuppressedError',
  ...VIEW_CLASSES,
] as const;

export type IntrinsicName = (typeof NAMES)[number];
type Class = (abstract new (...args: never[]) => object) & { readonly prototype: object };

/** The global class of a name; `undefined` where this Node.js has none. Not for lazy globals: reading loads them. */
export function globalClass(name: string): Class | undefined {
  const value = (globalThis as Record<string, unknown>)[name];
  return typeof value === 'function' ? (value as unknown as Class) : undefined;
}

const local = new Map<object, IntrinsicName>();
for (const name of NAMES) {
  const known = globalClass(name);
  if (known !== undefined) local.set(known.prototype, name);
}
const foreign = new WeakMap<object, IntrinsicName | ''>();
const knownNames: ReadonlySet<string> = new Set(NAMES);

/** Which built-in class this object is the prototype of, in whatever realm; `undefined` when none. */
export function intrinsicOf(prototype: object): IntrinsicName | undefined {
  return local.get(prototype) ?? foreignIntrinsic(prototype);
}

function foreignIntrinsic(prototype: object): IntrinsicName | undefined {
  let name = foreign.get(prototype);
  if (name === undefined) {
    const owner = types.isProxy(prototype) ? undefined : classOfPrototype(prototype);
    name =
      owner !== undefined && knownNames.has(owner.name) && isNative(owner) && !local.has(owner.prototype)
        ? (owner.name as IntrinsicName)
        : '';
    foreign.set(prototype, name);
  }
  return name === '' ? undefined : name;
}

/** The class whose `prototype` this very object is, read without running a getter. */
export function classOfPrototype(prototype: object): Class | undefined {
  const owner: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  if (typeof owner !== 'function') return undefined;
  return Object.getOwnPropertyDescriptor(owner, 'prototype')?.value === prototype
    ? (owner as unknown as Class)
    : undefined;
}

export function isNative(callable: object): boolean {
  return /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(callable));
}
