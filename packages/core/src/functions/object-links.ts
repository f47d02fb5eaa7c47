/**
 * What the text of a function or class does not say about the object that it makes: another prototype than usual, a
 * swapped `prototype` property, frozen or not. Both halves: read on the client, put back on the worker.
 */
import { types } from 'node:util';
import { isNative } from '../codec/intrinsics.ts';
import type { JsonValue } from '../codec/graph-extension.ts';

/** A slot of a function, class or class prototype that holds another object than its text gives it. */
type Slot = 'proto' | 'prototype';

const TAGS = new Set(['AsyncFunction', 'GeneratorFunction', 'AsyncGeneratorFunction']);

/** Whether an object is what functions are born with as their prototype, in this realm or another. */
export function isFunctionPrototype(value: object | null): boolean {
  if (typeof value === 'function') return isNative(value);
  const tag: unknown = value === null ? undefined : Object.getOwnPropertyDescriptor(value, Symbol.toStringTag)?.value;
  return typeof tag === 'string' && TAGS.has(tag);
}

/** Whether an object is an `Object.prototype`, of this realm or another. */
export function isObjectPrototype(value: object | null): boolean {
  if (value === null || types.isProxy(value) || Object.getPrototypeOf(value) !== null) return false;
  const owner: unknown = Object.getOwnPropertyDescriptor(value, 'constructor')?.value;
  return typeof owner === 'function' && owner.name === 'Object' && isNative(owner);
}

/** How far an object was closed, as `Object.preventExtensions`, `seal` and `freeze` do. */
type Integrity = 'closed' | 'sealed' | 'frozen';

export interface ObjectLinks {
  /** Goes into the data of the node; `undefined` when all is as usual. */
  readonly data: { readonly [key: string]: JsonValue } | undefined;
  /** Children to add at the end, one for each slot. */
  readonly children: readonly unknown[];
  readonly labels: readonly string[];
}

/** @param usual - what the text gives; a slot that is absent here is not compared. */
export function readLinks(
  object: object,
  usual: { readonly proto?: object | null; readonly prototype?: unknown },
): ObjectLinks {
  const slots: Slot[] = [];
  const children: unknown[] = [];
  const proto = Object.getPrototypeOf(object) as object | null;
  if ('proto' in usual && proto !== usual.proto) {
    slots.push('proto');
    children.push(proto);
  }
  const prototype: unknown = Object.getOwnPropertyDescriptor(object, 'prototype')?.value;
  if ('prototype' in usual && prototype !== usual.prototype) {
    slots.push('prototype');
    children.push(prototype);
  }
  const integrity = integrityOf(object);
  const isUsual = slots.length === 0 && integrity === undefined;
  return {
    data: isUsual ? undefined : { slots, ...(integrity === undefined ? {} : { integrity }) },
    // A node without children is never filled, and only then can it be frozen.
    children: children.length === 0 && integrity !== undefined ? [undefined] : children,
    labels: slots.map(() => 'its prototype'),
  };
}

function integrityOf(object: object): Integrity | undefined {
  if (Object.isExtensible(object)) return undefined;
  if (Object.isFrozen(object)) return 'frozen';
  return Object.isSealed(object) ? 'sealed' : 'closed';
}

const CLOSE: Readonly<Record<Integrity, (object: object) => unknown>> = {
  closed: Object.preventExtensions,
  sealed: Object.seal,
  frozen: Object.freeze,
};

/** Puts the links back, after everything else of the object is in place. */
export function restoreLinks(target: object, data: JsonValue | undefined, children: readonly unknown[]): void {
  const { slots, integrity } = (data ?? { slots: [] }) as { slots: readonly Slot[]; integrity?: Integrity };
  slots.forEach((slot, index) => {
    const value = children[children.length - slots.length + index];
    if (slot === 'proto') Object.setPrototypeOf(target, value as object | null);
    else Object.defineProperty(target, 'prototype', { value });
  });
  if (integrity !== undefined) CLOSE[integrity]?.(target);
}
