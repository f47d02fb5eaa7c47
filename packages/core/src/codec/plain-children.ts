/**
 * Decides for one object whether V8's own serializer carries it exactly, and if so what it refers to.
 *
 * V8 keeps identity, cycles, holes and every primitive, but drops prototypes, symbol keys, attributes, integrity levels
 * and much of errors, shares no buffers between views, and runs getters. Whatever has one of those is not plain.
 */
import { inspect, types } from 'node:util';
import { intrinsicOf } from './intrinsics.ts';

/** Below this an array's elements are checked in full; above, only for getters, at a fifth of the cost. */
const FULLY_CHECKED_ELEMENTS = 64;

const NONE: readonly object[] = [];
/** Finds a getter without running it. */
const lookupGetter = (Object.prototype as unknown as { __lookupGetter__: (this: object, key: PropertyKey) => unknown })
  .__lookupGetter__;

/** The objects a plain object refers to, in V8's order; `undefined` when the object is not plain. No user code runs. */
export function plainChildren(value: object): readonly object[] | undefined {
  if (typeof value === 'function' || types.isProxy(value) || !Object.isExtensible(value)) return undefined;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null) return undefined;
  switch (intrinsicOf(prototype)) {
    case 'Object':
      return ofProperties(value);
    case 'Array':
      return Array.isArray(value) ? ofArray(value) : undefined;
    case 'Date':
      return types.isDate(value) && Reflect.ownKeys(value).length === 0 ? NONE : undefined;
    case 'Map':
      return types.isMap(value) && Reflect.ownKeys(value).length === 0 ? ofEntries(value) : undefined;
    case 'Set':
      return types.isSet(value) && Reflect.ownKeys(value).length === 0 ? ofMembers(value) : undefined;
    default:
      return undefined;
  }
}

/** `Object.keys` and its strings come from V8's cache: twice as fast as going through `Reflect.ownKeys`. */
function ofProperties(value: object, hidden = 0): readonly object[] | undefined {
  const keys = Object.keys(value);
  if (Reflect.ownKeys(value).length !== keys.length + hidden) return undefined;
  let children: object[] | undefined;
  for (const key of keys) {
    const child = ordinaryProperty(value, key);
    if (isPlainPrimitive(child)) continue;
    if (typeof child !== 'object') return undefined;
    (children ??= []).push(child as object);
  }
  return children ?? NONE;
}

/** Stands for a property that is not plain: itself no plain primitive and no object. */
const NOT_PLAIN = Symbol('not plain');

function ordinaryProperty(value: object, key: string): unknown {
  const property = Object.getOwnPropertyDescriptor(value, key);
  if (property === undefined || property.writable !== true) return NOT_PLAIN;
  return property.enumerable === true && property.configurable === true ? property.value : NOT_PLAIN;
}

function ofArray(value: readonly unknown[]): readonly object[] | undefined {
  if (Object.getOwnPropertyDescriptor(value, 'length')?.writable !== true) return undefined;
  if (!hasOnlyElements(value)) return ofProperties(value, 1);
  const thorough = value.length <= FULLY_CHECKED_ELEMENTS;
  let children: object[] | undefined;
  for (let index = 0; index < value.length; index++) {
    const child: unknown = thorough ? ordinaryElement(value, index) : elementWithoutGetter(value, index);
    // A hole: the array may be nothing but holes, billions of them, while its keys are few.
    if (child === undefined && !Object.hasOwn(value, index)) return ofProperties(value, 1);
    if (isPlainPrimitive(child)) continue;
    if (typeof child !== 'object') return undefined;
    (children ??= []).push(child as object);
  }
  return children ?? NONE;
}

/** The same as {@link ordinaryProperty}; apart from it, because the engine makes one function for both kinds of key slow. */
function ordinaryElement(value: readonly unknown[], index: number): unknown {
  const property = Object.getOwnPropertyDescriptor(value, index);
  if (property === undefined || property.writable !== true) return NOT_PLAIN;
  return property.enumerable === true && property.configurable === true ? property.value : NOT_PLAIN;
}

function elementWithoutGetter(value: readonly unknown[], index: number): unknown {
  return lookupGetter.call(value, index) === undefined ? value[index] : NOT_PLAIN;
}

/**
 * Whether an array has no own properties but its elements, some of which may be missing in a long array, and `length`.
 *
 * Listing the keys of a long array lists each index, which takes ten times as long as V8 takes to write it. Only
 * `inspect` can list the others alone: it prints them behind the elements, of which it is told to print none.
 */
export function hasOnlyElements(value: readonly unknown[]): boolean {
  const { length } = value;
  if (length <= FULLY_CHECKED_ELEMENTS) return Reflect.ownKeys(value).length === length + 1;
  return inspect(value, ELEMENTS_HIDDEN) === `[ ... ${length} more items, [length]: ${length} ]`;
}

const ELEMENTS_HIDDEN = { maxArrayLength: 0, depth: 0, showHidden: true, customInspect: false, breakLength: Infinity };

function ofEntries(value: ReadonlyMap<unknown, unknown>): readonly object[] | undefined {
  const children: object[] = [];
  for (const [key, item] of mapEntries(value)) {
    if (!collect(children, key) || !collect(children, item)) return undefined;
  }
  return children;
}

function ofMembers(value: ReadonlySet<unknown>): readonly object[] | undefined {
  const children: object[] = [];
  for (const member of setMembers(value)) if (!collect(children, member)) return undefined;
  return children;
}

// Called with their receivers, so that a subclass cannot answer.
const { entries } = Map.prototype;
const { values } = Set.prototype;

/** The entries themselves, whatever a subclass made of `entries`. */
export function mapEntries(value: ReadonlyMap<unknown, unknown>): Iterable<[unknown, unknown]> {
  return entries.call(value) as Iterable<[unknown, unknown]>;
}

export function setMembers(value: ReadonlySet<unknown>): Iterable<unknown> {
  return values.call(value) as Iterable<unknown>;
}

/** Adds an object to the children; false for what V8 cannot carry. */
function collect(children: object[], value: unknown): boolean {
  if (isPlainPrimitive(value)) return true;
  if (typeof value !== 'object') return false;
  children.push(value as object);
  return true;
}

function isPlainPrimitive(value: unknown): boolean {
  switch (typeof value) {
    case 'object':
      return value === null;
    case 'function':
    case 'symbol':
      return false;
    default:
      return true;
  }
}
