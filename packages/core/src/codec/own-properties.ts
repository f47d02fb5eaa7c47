/** Own properties with their attributes: read without running a getter, defined without running a setter. */
import { corrupt } from './codec-errors.ts';
import { ATTRIBUTE, ORDINARY } from './format.ts';
import { NO_PROPERTIES, type OwnProperties, type ValueSink } from './outline.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

const KEY = { name: 0, symbol: 1, index: 2 } as const;
const KEY_KINDS = 4;
const MAX_INDEX = 0xffff_fffe;

/**
 * Collects properties.
 *
 * @param onAccessor - answers for an accessor: throws, gives the value to send in its place, or `undefined` to send its functions.
 */
export function collectProperties(
  value: object,
  keys: readonly PropertyKey[],
  onAccessor: (key: PropertyKey, property: PropertyDescriptor) => PropertyDescriptor | undefined,
): OwnProperties {
  if (keys.length === 0) return NO_PROPERTIES;
  const attributes: number[] = [];
  const values: unknown[] = [];
  let ordinary = true;
  let symbolic = false;
  for (const key of keys) {
    let property = Object.getOwnPropertyDescriptor(value, key) as PropertyDescriptor;
    if (isAccessor(property)) property = onAccessor(key, property) ?? property;
    const bits = attributesOf(property);
    attributes.push(bits);
    if ((bits & ATTRIBUTE.accessor) === 0) values.push(property.value);
    else values.push(property.get, property.set);
    ordinary &&= bits === ORDINARY;
    symbolic ||= typeof key === 'symbol';
  }
  return { keys, attributes, values, ordinary, symbolic };
}

function isAccessor(property: PropertyDescriptor): boolean {
  return property.writable === undefined;
}

function attributesOf(property: PropertyDescriptor): number {
  const bits =
    (property.writable === true ? ATTRIBUTE.writable : 0) +
    (property.enumerable === true ? ATTRIBUTE.enumerable : 0) +
    (property.configurable === true ? ATTRIBUTE.configurable : 0);
  return isAccessor(property) ? bits + ATTRIBUTE.accessor : bits;
}

export function writeProperties(out: ByteWriter, sink: ValueSink, properties: OwnProperties): void {
  const { keys, attributes, values, ordinary } = properties;
  out.varint(keys.length);
  let next = 0;
  for (let index = 0; index < keys.length; index++) {
    const bits = attributes[index] as number;
    writeKey(out, sink, keys[index] as PropertyKey);
    if (!ordinary) out.byte(bits);
    sink.value(out, values[next++]);
    if ((bits & ATTRIBUTE.accessor) !== 0) sink.value(out, values[next++]);
  }
}

function writeKey(out: ByteWriter, sink: ValueSink, key: PropertyKey): void {
  if (typeof key === 'symbol') {
    out.varint(KEY.symbol);
    sink.value(out, key);
    return;
  }
  const index = Number(key);
  if (index >= 0 && index <= MAX_INDEX && String(index >>> 0) === key) {
    out.varint(index * KEY_KINDS + KEY.index);
  } else {
    out.varint(sink.nameIndex(String(key)) * KEY_KINDS + KEY.name);
  }
}

export interface PropertySource {
  value(): unknown;
  nameAt(index: number): string;
}

export function readProperties(input: ByteReader, source: PropertySource, target: object, attributed: boolean): void {
  const count = input.count(2);
  for (let index = 0; index < count; index++) {
    const key = readKey(input, source);
    const bits = attributed ? input.byte() : ORDINARY;
    const first = source.value();
    if ((bits & ATTRIBUTE.accessor) !== 0) define(target, key, accessor(bits, first, source.value()));
    else if (bits === ORDINARY && !(key in target)) (target as Record<PropertyKey, unknown>)[key] = first;
    else define(target, key, { value: first, writable: (bits & ATTRIBUTE.writable) !== 0, ...visibility(bits) });
  }
}

function readKey(input: ByteReader, source: PropertySource): PropertyKey {
  const reference = input.varint();
  const number = Math.floor(reference / KEY_KINDS);
  switch (reference % KEY_KINDS) {
    case KEY.name:
      return source.nameAt(number);
    case KEY.index:
      return number;
    default: {
      const symbol = source.value();
      if (typeof symbol !== 'symbol') throw corrupt('a property key is no symbol');
      return symbol;
    }
  }
}

function visibility(bits: number): PropertyDescriptor {
  return { enumerable: (bits & ATTRIBUTE.enumerable) !== 0, configurable: (bits & ATTRIBUTE.configurable) !== 0 };
}

function accessor(bits: number, get: unknown, set: unknown): PropertyDescriptor {
  return { get: asFunction(get), set: asFunction(set), ...visibility(bits) } as PropertyDescriptor;
}

function asFunction(value: unknown): unknown {
  if (value !== undefined && typeof value !== 'function') throw corrupt('an accessor has no function');
  return value;
}

function define(target: object, key: PropertyKey, property: PropertyDescriptor): void {
  if (!Reflect.defineProperty(target, key, property)) throw corrupt(`the property ${String(key)} cannot be defined`);
}
