/** Values that need no node: primitives and the symbols that every process shares. */
import { corrupt, unreadableVersion } from './codec-errors.ts';
import { VALUE } from './format.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

const wellKnown = new Map<symbol, string>();
for (const name of Object.getOwnPropertyNames(Symbol)) {
  const symbol: unknown = (Symbol as unknown as Record<string, unknown>)[name];
  if (typeof symbol === 'symbol') wellKnown.set(symbol, name);
}

/** Whether a value has an identity, and so is a node: an object, a function, or a symbol of this process alone. */
export function isReference(value: unknown): value is object | symbol {
  if (value === null) return false;
  const type = typeof value;
  if (type === 'object' || type === 'function') return true;
  return type === 'symbol' && !wellKnown.has(value as symbol) && Symbol.keyFor(value as symbol) === undefined;
}

/** Writes a primitive; false, and nothing written, when it is none. */
export function writePrimitive(out: ByteWriter, value: unknown): boolean {
  switch (typeof value) {
    case 'undefined':
      out.byte(VALUE.undefined);
      return true;
    case 'boolean':
      out.byte(value ? VALUE.true : VALUE.false);
      return true;
    case 'number':
      writeNumber(out, value);
      return true;
    case 'string':
      out.byte(VALUE.string);
      out.text(value);
      return true;
    case 'bigint':
      out.byte(VALUE.bigint);
      out.text(value.toString(16));
      return true;
    case 'symbol':
      return writeSharedSymbol(out, value);
    default:
      if (value !== null) return false;
      out.byte(VALUE.null);
      return true;
  }
}

/** Integers of up to 32 bits in zigzag order (0, -1, 1, -2 …); all else, and -0, as a double. */
function writeNumber(out: ByteWriter, value: number): void {
  if ((value | 0) === value && !Object.is(value, -0)) {
    out.byte(VALUE.integer);
    out.varint(value < 0 ? -value * 2 - 1 : value * 2);
  } else {
    out.byte(VALUE.double);
    out.double(value);
  }
}

function writeSharedSymbol(out: ByteWriter, symbol: symbol): boolean {
  const name = wellKnown.get(symbol);
  const text = name ?? Symbol.keyFor(symbol);
  if (text === undefined) return false;
  out.byte(name === undefined ? VALUE.registeredSymbol : VALUE.wellKnownSymbol);
  out.text(text);
  return true;
}

/** The primitive that `tag` announces. */
export function readPrimitive(input: ByteReader, tag: number): unknown {
  switch (tag) {
    case VALUE.undefined:
      return undefined;
    case VALUE.null:
      return null;
    case VALUE.false:
      return false;
    case VALUE.true:
      return true;
    case VALUE.integer:
      return readInteger(input);
    case VALUE.double:
      return input.double();
    case VALUE.bigint:
      return readBigint(input.text());
    case VALUE.string:
      return input.text();
    case VALUE.wellKnownSymbol:
      return readWellKnown(input.text());
    case VALUE.registeredSymbol:
      return Symbol.for(input.text());
    default:
      throw corrupt('a value is of no known kind');
  }
}

function readInteger(input: ByteReader): number {
  const zigzag = input.varint();
  return zigzag % 2 === 1 ? -(zigzag + 1) / 2 : zigzag / 2;
}

function readBigint(text: string): bigint {
  const match = /^(-?)([\da-f]+)$/.exec(text);
  if (match === null) throw corrupt('a bigint has other than hexadecimal digits');
  const magnitude = BigInt(`0x${match[2]}`);
  return match[1] === '-' ? -magnitude : magnitude;
}

function readWellKnown(name: string): symbol {
  for (const [symbol, known] of wellKnown) if (known === name) return symbol;
  throw unreadableVersion('it has a symbol that this Node.js lacks', { symbol: `Symbol.${name}` });
}
