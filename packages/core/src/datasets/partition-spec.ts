/**
 * A part of an object, as it travels to a worker: JSON, some hundred bytes.
 *
 *     [1, address, size, version, part, parts, start, end, newline]
 *
 * An address is `["k", key]`, `["k", key, file]`, `["s", storage, bucket | null, key]`, `["f", path]` or `["u", url]`.
 * What is not known is null. The newline is a text of the bytes as latin1, or null.
 */
import { SerializationError } from '../errors/splitrock-error.ts';
import type { ObjectAddress, PlannedObject } from './planned-object.ts';

export interface PartitionSpec extends Omit<PlannedObject, 'seekable'> {
  /** From 1. */
  readonly part: number;
  readonly parts: number;
  /** First byte, before rows are looked at. */
  readonly start: number;
  /** Exclusive; `undefined`: to the end of an object whose size is not known. */
  readonly end: number | undefined;
  /** What rows end with, as a string of bytes (latin1); null where rows are of no matter. */
  readonly newline: string | null;
}

const VERSION = 1;

type EncodedAddress =
  | readonly ['k', key: string]
  | readonly ['k', key: string, file: string]
  | readonly ['s', storage: string, bucket: string | null, key: string]
  | readonly ['f', path: string]
  | readonly ['u', url: string];

type Fields = readonly [
  v: typeof VERSION,
  address: EncodedAddress,
  size: number | null,
  version: string | null,
  part: number,
  parts: number,
  start: number,
  end: number | null,
  newline: string | null,
];

export function encodePartitionSpec(spec: PartitionSpec): Uint8Array {
  const { address, size = null, version = null, part, parts, start, end = null, newline } = spec;
  const fields: Fields = [VERSION, encodeAddress(address), size, version, part, parts, start, end, newline];
  return new TextEncoder().encode(JSON.stringify(fields));
}

/** @throws SerializationError `DATA_CORRUPT`. */
export function decodePartitionSpec(bytes: Uint8Array): PartitionSpec {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    value = undefined;
  }
  if (!isFields(value)) {
    throw new SerializationError('DATA_CORRUPT', "A call's partition is damaged; the job must be submitted again.");
  }
  const [, address, size, version, part, parts, start, end, newline] = value;
  return {
    address: decodeAddress(address),
    size: size ?? undefined,
    version: version ?? undefined,
    part,
    parts,
    start,
    end: end ?? undefined,
    newline,
  };
}

/** By hand: every slot process reads this, and loading a schema library would cost it more than all else it loads. */
function isFields(value: unknown): value is Fields {
  if (!Array.isArray(value) || value.length !== 9) return false;
  const [v, address, size, version, part, parts, start, end, newline] = value as unknown[];
  return (
    v === VERSION &&
    isAddress(address) &&
    (size === null || isInteger(size, 0)) &&
    (version === null || typeof version === 'string') &&
    isInteger(part, 1) &&
    isInteger(parts, 1) &&
    isInteger(start, 0) &&
    (end === null || isInteger(end, 0)) &&
    (newline === null || (typeof newline === 'string' && newline !== ''))
  );
}

function isAddress(value: unknown): value is EncodedAddress {
  if (!Array.isArray(value)) return false;
  const [kind, ...parts] = value as unknown[];
  if (kind === 's') {
    const [storage, bucket, key] = parts;
    return parts.length === 3 && isText(storage) && (bucket === null || isText(bucket)) && isText(key);
  }
  const lengths: readonly number[] = kind === 'k' ? [1, 2] : kind === 'f' || kind === 'u' ? [1] : [];
  return lengths.includes(parts.length) && parts.every(isText);
}

const isText = (value: unknown): boolean => typeof value === 'string';

const isInteger = (value: unknown, least: number): boolean => Number.isSafeInteger(value) && (value as number) >= least;

function encodeAddress(address: ObjectAddress): EncodedAddress {
  switch (address.kind) {
    case 'key':
      return address.file === undefined ? ['k', address.key] : ['k', address.key, address.file];
    case 'storage':
      return ['s', address.storage, address.bucket ?? null, address.key];
    case 'file':
      return ['f', address.path];
    case 'url':
      return ['u', address.url];
  }
}

function decodeAddress(address: EncodedAddress): ObjectAddress {
  switch (address[0]) {
    case 'k':
      return { kind: 'key', key: address[1], ...(address[2] === undefined ? {} : { file: address[2] }) };
    case 's':
      return { kind: 'storage', storage: address[1], bucket: address[2] ?? undefined, key: address[3] };
    case 'f':
      return { kind: 'file', path: address[1] };
    case 'u':
      return { kind: 'url', url: address[1] };
  }
}
