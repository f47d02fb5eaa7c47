/** What the graph writer needs to know of one node: how to create it, and everything it refers to. */
import { ATTRIBUTE } from './format.ts';
import { isReference } from './values.ts';
import type { ByteWriter } from './byte-writer.ts';

/** Writes a value that is primitive or has its number already. */
export interface ValueSink {
  value(out: ByteWriter, value: unknown): void;
  /** The number of a string that is likely to occur again: a property key, a tag. */
  nameIndex(name: string): number;
}

export interface Outline {
  /** Writes the record that creates the node. */
  create(out: ByteWriter, sink: ValueSink): void;
  /** Values that must be created first. */
  readonly needs: readonly unknown[];
  /** Whether the needs must also be filled first. */
  readonly whole: boolean;
  /** Elements; or keys and values in turn; or members. */
  readonly content: readonly unknown[];
  readonly properties: OwnProperties;
  /** `undefined` for the prototype that the created object has anyway. */
  readonly prototype: object | null | undefined;
  /** For the extension. */
  readonly children: readonly unknown[];
  /** Not extensible. */
  readonly closed: boolean;
  /** How the `n`-th of `content`, or of `needs` and `children` together, is reached. */
  readonly labels: (part: 'content' | 'extension', index: number) => string;
}

export interface OwnProperties {
  readonly keys: readonly PropertyKey[];
  /** Bits of `ATTRIBUTE`, one number per key. */
  readonly attributes: readonly number[];
  /** One value per key; an accessor has two, its getter and its setter. */
  readonly values: readonly unknown[];
  /** Whether all are as assignment makes them. */
  readonly ordinary: boolean;
  /** Whether a key is a symbol. */
  readonly symbolic: boolean;
}

export const NO_PROPERTIES: OwnProperties = { keys: [], attributes: [], values: [], ordinary: true, symbolic: false };
const NOTHING: readonly unknown[] = [];

/** An outline of which only the given parts are there. */
export function outline(
  create: Outline['create'],
  parts: { readonly [Part in keyof Outline]?: Outline[Part] | undefined } = {},
): Outline {
  return {
    create,
    needs: parts.needs ?? NOTHING,
    whole: parts.whole ?? false,
    content: parts.content ?? NOTHING,
    properties: parts.properties ?? NO_PROPERTIES,
    prototype: parts.prototype,
    children: parts.children ?? NOTHING,
    closed: parts.closed ?? false,
    labels: parts.labels ?? byIndex,
  };
}

function byIndex(_part: 'content' | 'extension', index: number): string {
  return `[${index}]`;
}

/** All that a node refers to, in one list. */
export function linksOf(node: Outline): readonly unknown[] {
  const { needs, content, properties, prototype, children } = node;
  const symbols = properties.symbolic ? properties.keys.filter(isReference) : NOTHING;
  if (needs.length + children.length + symbols.length === 0 && prototype === undefined) {
    if (content.length === 0) return properties.values;
    if (properties.values.length === 0) return content;
  }
  const prototypes = prototype === undefined || prototype === null ? NOTHING : [prototype];
  return needs.concat(content, properties.values, prototypes, children, symbols);
}

/** How the link of this index is reached from the node, as a piece of a path. */
export function linkLabel(node: Outline, link: number): string {
  const { needs, content, properties, prototype } = node;
  let index = link;
  if (index < needs.length) return node.labels('extension', index);
  index -= needs.length;
  if (index < content.length) return node.labels('content', index);
  index -= content.length;
  if (index < properties.values.length) return propertyLabel(properties, index);
  index -= properties.values.length;
  if (prototype !== undefined && prototype !== null && index-- === 0) return '.[[Prototype]]';
  return node.labels('extension', needs.length + index);
}

function propertyLabel({ keys, attributes }: OwnProperties, valueIndex: number): string {
  let index = valueIndex;
  for (const [position, key] of keys.entries()) {
    const accessor = ((attributes[position] as number) & ATTRIBUTE.accessor) !== 0;
    if (index < (accessor ? 2 : 1)) return `${keyLabel(key)}${accessor ? (index === 0 ? '.[[Get]]' : '.[[Set]]') : ''}`;
    index -= accessor ? 2 : 1;
  }
  return '';
}

/** `.name`, `[3]`, `["two words"]`, `[Symbol(x)]`. */
export function keyLabel(key: PropertyKey): string {
  if (typeof key === 'symbol') return `[${String(key)}]`;
  const text = String(key);
  if (/^(?:0|[1-9]\d*)$/.test(text)) return `[${text}]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(text) ? `.${text}` : `[${JSON.stringify(text)}]`;
}
