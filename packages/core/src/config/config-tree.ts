/**
 * The configuration as a tree whose every node knows its origin. Layers are such trees; merging them keeps, for each
 * value, the origin of the layer that won.
 */
import type { ConfigOrigin } from './config-origin.ts';
import type { ConfigPath } from './config-path.ts';

export type ConfigNode = ConfigMap | ConfigList | ConfigLeaf;

export interface ConfigMap {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, ConfigNode>;
  readonly origin: ConfigOrigin;
}

export interface ConfigList {
  readonly kind: 'list';
  readonly items: readonly ConfigNode[];
  readonly origin: ConfigOrigin;
}

export interface ConfigLeaf {
  readonly kind: 'leaf';
  /** `undefined` for a key with nothing after it (`backends:`), which says nothing. */
  readonly value: unknown;
  /** A variable's text before it was read as a number or so; a password of digits is still a string. */
  readonly text?: string;
  readonly origin: ConfigOrigin;
}

export const emptyMap = (origin: ConfigOrigin): ConfigMap => ({ kind: 'map', entries: new Map(), origin });

/** A tree of a plain value, all of one origin; `undefined` members are left out. */
export function nodeOf(value: unknown, origin: ConfigOrigin, ancestors: readonly unknown[] = []): ConfigNode {
  if (ancestors.includes(value)) return { kind: 'leaf', value, origin };
  const inside = [...ancestors, value];
  if (Array.isArray(value)) return { kind: 'list', items: value.map((item) => nodeOf(item, origin, inside)), origin };
  return isSection(value) ? mapOf(value, origin, inside) : { kind: 'leaf', value, origin };
}

export function mapOf(section: object, origin: ConfigOrigin, ancestors: readonly unknown[] = []): ConfigMap {
  const members = Object.entries(section).filter(([, member]) => member !== undefined);
  return {
    kind: 'map',
    entries: new Map(members.map(([key, member]) => [key, nodeOf(member, origin, ancestors)])),
    origin,
  };
}

/** Objects with functions are things (a plugin's descriptor), not sections; so are instances of classes. */
function isSection(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Not compared with Object.prototype: the object may come from another realm (a vm context of a test runner).
  const plain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return plain && Object.values(value).every((member) => typeof member !== 'function');
}

export const isSilent = (node: ConfigNode): boolean => node.kind === 'leaf' && node.value === undefined;

/** The plain value of a tree. */
export function valueOf(node: ConfigNode): unknown {
  if (node.kind === 'leaf') return node.value;
  if (node.kind === 'list') return node.items.map(valueOf);
  // fromEntries defines own properties, so that a key `__proto__` stays a harmless key.
  const members = [...node.entries].filter(([, child]) => !isSilent(child));
  return Object.fromEntries(members.map(([key, child]) => [key, valueOf(child)]));
}

/** Lays `over` on `base`: maps merge key by key, anything else replaces, also `null`. */
export function mergeNodes(base: ConfigNode, over: ConfigNode): ConfigNode {
  if (isSilent(over)) return base;
  return base.kind === 'map' && over.kind === 'map' ? mergeMaps(base, over) : over;
}

export function mergeMaps(base: ConfigMap, over: ConfigMap): ConfigMap {
  const entries = new Map(base.entries);
  for (const [key, child] of over.entries) {
    const below = entries.get(key);
    entries.set(key, below === undefined ? child : mergeNodes(below, child));
  }
  return { kind: 'map', entries, origin: over.origin };
}

/** The node at a path, if there is one. */
export function nodeAt(root: ConfigNode, path: ConfigPath): ConfigNode | undefined {
  let node: ConfigNode | undefined = root;
  for (const segment of path) {
    if (node?.kind === 'map') node = node.entries.get(String(segment));
    else if (node?.kind === 'list') node = node.items[Number(segment)];
    else return undefined;
  }
  return node;
}

/** A copy of the tree with every leaf passed through `change`. */
export function mapLeaves(
  node: ConfigNode,
  change: (leaf: ConfigLeaf, path: ConfigPath) => ConfigLeaf,
  path: ConfigPath = [],
): ConfigNode {
  if (node.kind === 'leaf') return change(node, path);
  if (node.kind === 'list') {
    return { ...node, items: node.items.map((item, index) => mapLeaves(item, change, [...path, index])) };
  }
  const entries = Array.from(node.entries, ([key, child]) => [key, mapLeaves(child, change, [...path, key])] as const);
  return { ...node, entries: new Map(entries) };
}

/** All leaves in order, and empty maps and lists, which are values too. */
export function* leavesOf(node: ConfigNode, path: ConfigPath = []): Generator<{ path: ConfigPath; node: ConfigNode }> {
  const children: readonly (readonly [string | number, ConfigNode])[] =
    node.kind === 'map' ? [...node.entries] : node.kind === 'list' ? [...node.items.entries()] : [];
  if (children.length === 0 && !isSilent(node)) yield { path, node };
  for (const [key, child] of children) yield* leavesOf(child, [...path, key]);
}
