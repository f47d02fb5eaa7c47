/**
 * Compares two values as graphs, for the codec's tests: kinds, prototypes, own keys in order, descriptors, holes,
 * integrity levels, contents, bytes, and which references are the same object.
 */
import { types } from 'node:util';

type Pair = readonly [actual: unknown, expected: unknown, path: string];

/** The first difference, as a sentence; `undefined` when there is none. Local symbols and their twins count as equal. */
export function graphDifference(actual: unknown, expected: unknown): string | undefined {
  const twins = new Map<unknown, unknown>();
  const taken = new Set<unknown>();
  const pairs: Pair[] = [[actual, expected, '']];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [left, right, path] = pair;
    if (!hasIdentity(right)) {
      if (!Object.is(left, right)) return `${path}: ${String(left)} is not ${String(right)}`;
    } else if (twins.has(right)) {
      if (twins.get(right) !== left) return `${path}: another object than where it was met first`;
    } else {
      if (!hasIdentity(left)) return `${path}: ${String(left)} is a primitive`;
      if (taken.has(left)) return `${path}: one object stands for two`;
      twins.set(right, left);
      taken.add(left);
      const difference = shallowDifference(left, right, path, pairs);
      if (difference !== undefined) return `${path}: ${difference}`;
    }
  }
  return undefined;
}

function hasIdentity(value: unknown): value is object | symbol {
  if (typeof value === 'symbol') return Symbol.keyFor(value) === undefined && !isWellKnown(value);
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function isWellKnown(symbol: symbol): boolean {
  return Object.getOwnPropertyNames(Symbol).some(
    (name) => (Symbol as unknown as Record<string, unknown>)[name] === symbol,
  );
}

function shallowDifference(
  left: object | symbol,
  right: object | symbol,
  path: string,
  pairs: Pair[],
): string | undefined {
  if (typeof left === 'symbol' || typeof right === 'symbol') {
    const descriptions = [left, right].map((value) => (typeof value === 'symbol' ? value.toString() : 'no symbol'));
    return descriptions[0] === descriptions[1] ? undefined : 'another symbol';
  }
  if (tagOf(left) !== tagOf(right)) return `${tagOf(left)} is not ${tagOf(right)}`;
  const content = contentDifference(left, right, path, pairs);
  if (content !== undefined) return content;
  if (Object.isExtensible(left) !== Object.isExtensible(right)) return 'extensibility differs';
  return prototypeDifference(left, right, path, pairs) ?? propertiesDifference(left, right, path, pairs);
}

const KINDS = [
  'isMap',
  'isSet',
  'isDate',
  'isRegExp',
  'isNativeError',
  'isArrayBuffer',
  'isArgumentsObject',
  'isBoxedPrimitive',
] as const;

function tagOf(value: object): string {
  const kind = KINDS.find((name) => types[name](value));
  if (kind !== undefined) return kind;
  if (ArrayBuffer.isView(value))
    return (Object.getPrototypeOf(value) as { constructor: { name: string } }).constructor.name;
  return Array.isArray(value) ? 'array' : typeof value;
}

function contentDifference(left: object, right: object, path: string, pairs: Pair[]): string | undefined {
  if (types.isMap(left) && types.isMap(right))
    return listDifference(entriesOf(left), entriesOf(right), `${path}{entry}`, pairs);
  if (types.isSet(left) && types.isSet(right)) return listDifference([...left], [...right], `${path}{member}`, pairs);
  if (types.isDate(left) && types.isDate(right))
    return Object.is(left.getTime(), right.getTime()) ? undefined : 'another time';
  if (types.isRegExp(left) && types.isRegExp(right))
    return String(left) === String(right) ? undefined : 'another pattern';
  if (types.isArrayBuffer(left) && types.isArrayBuffer(right))
    return Buffer.from(left).equals(Buffer.from(right)) ? undefined : 'other bytes';
  if (types.isBoxedPrimitive(left)) pairs.push([(left as object).valueOf(), right.valueOf(), `${path}{boxed}`]);
  if (ArrayBuffer.isView(left) && ArrayBuffer.isView(right)) return viewDifference(left, right, path, pairs);
  return left instanceof URL && left.href !== (right as URL).href ? 'another URL' : undefined;
}

/** Without the Map's own methods: it may have lost its prototype. */
function entriesOf(map: Map<unknown, unknown>): unknown[] {
  return [...Map.prototype.entries.call(map)].flat();
}

/** The offset may differ, since only what views cover travels; the bytes may not, nor who shares them. */
function viewDifference(
  left: ArrayBufferView,
  right: ArrayBufferView,
  path: string,
  pairs: Pair[],
): string | undefined {
  const bytes = (view: ArrayBufferView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  if (!bytes(left).equals(bytes(right))) return 'other bytes';
  if (!Buffer.isBuffer(right) && left.byteLength === left.buffer.byteLength)
    pairs.push([left.buffer, right.buffer, `${path}{buffer}`]);
  return undefined;
}

function listDifference(
  left: readonly unknown[],
  right: readonly unknown[],
  path: string,
  pairs: Pair[],
): string | undefined {
  if (left.length !== right.length) return `${left.length} instead of ${right.length} members`;
  for (const [index, item] of right.entries()) pairs.push([left[index], item, `${path}[${index}]`]);
  return undefined;
}

function prototypeDifference(left: object, right: object, path: string, pairs: Pair[]): string | undefined {
  const actual = Object.getPrototypeOf(left) as object | null;
  const expected = Object.getPrototypeOf(right) as object | null;
  if (actual === expected) return undefined;
  if (actual === null || expected === null || Object.hasOwn(expected, 'constructor')) return 'another prototype';
  pairs.push([actual, expected, `${path}.[[Prototype]]`]);
  return undefined;
}

/** Keys that lists of kinds already cover, and `stack`, whose descriptor depends on the version of V8. */
function comparedKeys(value: object): PropertyKey[] {
  const keys = Reflect.ownKeys(value);
  if (ArrayBuffer.isView(value)) return keys.slice((value as Uint8Array).length ?? 0);
  if (types.isArgumentsObject(value)) return keys.filter((key) => key !== Symbol.iterator && key !== 'callee');
  return types.isNativeError(value) ? keys.filter((key) => key !== 'stack') : keys;
}

function propertiesDifference(left: object, right: object, path: string, pairs: Pair[]): string | undefined {
  const actual = comparedKeys(left);
  const expected = comparedKeys(right);
  const twinKeys =
    actual.length === expected.length && actual.every((key, index) => String(key) === String(expected[index]));
  if (!twinKeys) return `keys ${actual.map(String).join()} instead of ${expected.map(String).join()}`;
  for (const [index, key] of expected.entries()) {
    const ours = Object.getOwnPropertyDescriptor(left, actual[index] as PropertyKey) as PropertyDescriptor;
    const theirs = Object.getOwnPropertyDescriptor(right, key) as PropertyDescriptor;
    for (const bit of ['writable', 'enumerable', 'configurable'] as const) {
      if (ours[bit] !== theirs[bit]) return `${String(key)} is ${bit}: ${String(ours[bit])}`;
    }
    pairs.push([ours.value, theirs.value, `${path}.${String(key)}`]);
    if (typeof key === 'symbol') pairs.push([actual[index], key, `${path}.[key]`]);
  }
  return types.isNativeError(right) && (left as Error).stack !== right.stack ? 'another stack' : undefined;
}
