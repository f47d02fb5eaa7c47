/**
 * The numbers of Splitrock codec version 1. `docs/data-codec.md` shows the bytes; a number once given is never reused.
 */

/** First bytes of every message: `F5` never occurs in UTF-8 text. */
export const MAGIC = [0xf5, 0x53, 0x52, 0x4b] as const;
export const CODEC_VERSION = 1;
export const HEADER_BYTES = 16;

/** Binary data longer than this lies outside the body, in a segment of its own. */
export const MAX_INLINE_BYTES = 4096;
/** Segments start at multiples of this, so that a reader may map them. */
export const SEGMENT_ALIGNMENT = 8;

/** How the body is laid out. */
export const LAYOUT = { value: 0, raw: 1, graph: 2 } as const;

/** First byte of a value. */
export const VALUE = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  integer: 4,
  double: 5,
  bigint: 6,
  string: 7,
  /** A node of this message, by number. */
  node: 8,
  /** A member of the raw payload, by index. */
  raw: 9,
  /** `Symbol.iterator` and its like, by name. */
  wellKnownSymbol: 10,
  /** `Symbol.for(key)`. */
  registeredSymbol: 11,
} as const;

/** First byte of a record that creates a node. */
export const NODE = {
  object: 0,
  array: 1,
  map: 2,
  set: 3,
  date: 4,
  regexp: 5,
  error: 6,
  remoteError: 7,
  arrayBuffer: 8,
  view: 9,
  url: 10,
  searchParams: 11,
  headers: 12,
  boxed: 13,
  symbol: 14,
  domException: 15,
  arguments: 16,
  extension: 17,
  /** Prefix: the name of the class that the following record lost. */
  degraded: 18,
  /** Reserves the number of a node that its fill record creates. */
  deferred: 19,
} as const;

/** What a fill record holds, in this order. */
export const FILL = {
  /** A create record: the node was deferred. */
  create: 1,
  /** Elements, entries or members. */
  content: 2,
  /** Own properties, all writable, enumerable and configurable. */
  properties: 4,
  /** Own properties, each with a byte of {@link ATTRIBUTE}s. */
  attributed: 8,
  /** A prototype other than the kind's own. */
  prototype: 16,
  /** Values for the extension. */
  children: 32,
  /** The object is not extensible. */
  closed: 64,
} as const;

export const ATTRIBUTE = { writable: 1, enumerable: 2, configurable: 4, accessor: 8 } as const;
/** Of a property made by assignment. */
export const ORDINARY = ATTRIBUTE.writable | ATTRIBUTE.enumerable | ATTRIBUTE.configurable;

/** How the data of an extension node follows. */
export const EXTENSION_DATA = { none: 0, json: 1, bytes: 2 } as const;

/** Error classes by number. */
export const ERROR_CLASSES = [
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'ReferenceError',
  'EvalError',
  'URIError',
  'AggregateError',
  'SuppressedError',
] as const;

/** Views by number. */
export const VIEW_CLASSES = [
  'Buffer',
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array',
] as const;

export type ErrorClassName = (typeof ERROR_CLASSES)[number];
export type ViewClassName = (typeof VIEW_CLASSES)[number];
