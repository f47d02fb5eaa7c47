/**
 * How something else teaches the codec to carry what it cannot carry itself: functions, classes, built-ins by identity,
 * accessors (their functions), instances of user classes, WeakMaps.
 *
 * The codec owns the walk, the memo (shared references, cycles) and the bytes; an extension only answers "what stands
 * for this value" and, on the other side, "make it". Both sides need the same extension.
 *
 * Encoding. Each object, function and local symbol is met once, by identity, and {@link GraphExtension.describe} is asked
 * first; `undefined` leaves it to the codec, which refuses what it does not know. Plain data (objects, arrays, Maps,
 * Sets, Dates …) is not walked but sent raw, so there only {@link GraphExtension.claims} is asked.
 * An instance of a class needs no node: the codec carries its own properties and asks about its *prototype object*.
 *
 * Decoding, without recursion whatever the depth:
 * 1. every node is created ({@link GraphExtension.create}), its `needs` before it;
 * 2. then every node is filled ({@link GraphExtension.fill}), children before parents except where a cycle forbids it.
 * So closures and classes may refer to each other in circles as long as `needs` does not.
 *
 * @example An extension that carries classes by a table, so that instances get their prototype back:
 * ```ts
 * const classes = new Map([['Point', Point]]);
 * const extension: GraphExtension = {
 *   claims: () => false,
 *   describe(value) {
 *     for (const [name, type] of classes) {
 *       if (value === type) return { tag: 'class', data: name };
 *       if (value === type.prototype) return { tag: 'prototype', needs: [type] };
 *     }
 *     return undefined;
 *   },
 *   create: ({ tag, data, needs }) =>
 *     tag === 'class' ? classes.get(data as string) : (needs[0] as typeof Point).prototype,
 * };
 * decodeValue(encodeValue(new Point(1, 2), { extension }), { extension }) instanceof Point; // true
 * ```
 * @example A closure: `data` names the factory, the captured variables are children, cycles allowed:
 * ```ts
 * describe: (value) => isClosure(value) && { tag: 'closure', data: factoryOf(value), children: captured(value) },
 * create: ({ data }) => factories[data].create(),
 * fill: (target, { data }, children) => factories[data].fill(target, children),
 * ```
 */
export interface GraphExtension {
  /**
   * Whether an object that the codec would send raw is to be described instead (`Math`, an exported constant).
   * Asked once per object of plain data, so it must be as cheap as `Set.has`.
   */
  claims(value: object): boolean;

  /**
   * What stands for a value; `undefined` when the codec is to carry (or refuse) it. Asked synchronously, once per
   * identity. May throw, which ends the encoding; `site.path()` says how the value was reached.
   */
  describe(value: object | symbol, site: GraphSite): ExtensionNode | undefined;

  /**
   * Asked when the walk has come to its end: more children for nodes described earlier, such as the entries of a
   * WeakMap whose keys turn out to be in the graph. The walk goes on with them, then asks again, until none are given.
   */
  settle?(graph: WalkedGraph): readonly LateChildren[];

  /** The error to throw where the codec refuses a value; default: `SerializationError` `SERIALIZE_UNSUPPORTED`. */
  refuse?(refusal: Refusal): Error;

  /** Makes the value of a node. Its `needs` exist already; its children may not. */
  create(node: ReceivedNode): unknown;

  /** Gives a made value its children. Called once, and once more for each {@link LateChildren}; not called without children. */
  fill?(target: unknown, node: ReceivedNode, children: readonly unknown[]): void;
}

/** What the encoding side says about one value. */
export interface ExtensionNode {
  /** Names the kind of node to {@link GraphExtension.create}; short, stable, the extension's own. */
  readonly tag: string;
  /** Anything that survives JSON, or bytes. */
  readonly data?: JsonValue | Uint8Array;
  /**
   * Values that must exist (not: be filled) before this one is created: a base class, the target of a bound function.
   * Needs must not form a circle.
   */
  readonly needs?: readonly unknown[];
  /** Values given to {@link GraphExtension.fill}; any value at all, cycles included. */
  readonly children?: readonly unknown[];
  /**
   * Own properties of the described object that the codec carries by itself, descriptors included, and defines on the
   * made object before `fill`: properties of a function, static fields of a class. Non-extensibility goes along.
   */
  readonly own?: readonly PropertyKey[];
  /** For messages: how each of `needs`, then each of `children`, is reached, e.g. `variable total`, `base class`. */
  readonly labels?: readonly string[];
  /**
   * Creates the value only when all its `needs` are filled, deeply: for hooks such as `deserialize(data)`, which want
   * complete data. A cycle back to the node itself is then refused, and an object that contains the node and is reached
   * again from its `needs` may be incomplete. Such a node has no `children` and no `own`.
   * @defaultValue false
   */
  readonly whole?: boolean;
}

/** What the decoding side gets to see of a node. */
export interface ReceivedNode {
  readonly tag: string;
  readonly data: JsonValue | Uint8Array | undefined;
  readonly needs: readonly unknown[];
}

/** More children for a value that was described earlier. */
export interface LateChildren {
  readonly of: object;
  readonly children: readonly unknown[];
  /** For messages: how they are reached, from the root. */
  readonly path?: string;
}

/** Where the walk stands. */
export interface GraphSite {
  /** From the root: `.items[3].stream`; empty for the root itself. Computed when asked. */
  path(): string;
}

/** The values met so far. */
export interface WalkedGraph {
  has(value: object | symbol): boolean;
}

/** What the codec will not carry, for {@link GraphExtension.refuse}. */
export interface Refusal {
  readonly kind: RefusalKind;
  /** What the value is, for people: `a Promise`, `an instance of Intl.Collator`. */
  readonly what: string;
  readonly path: string;
  /** What to do instead, as a full clause. */
  readonly remedy: string;
  readonly value: unknown;
}

export type RefusalKind =
  | 'accessor'
  | 'builtin-instance'
  | 'class'
  | 'cycle'
  | 'environment'
  | 'function'
  | 'handle'
  | 'iterator'
  | 'namespace'
  | 'promise'
  | 'proxy'
  | 'resizable-memory'
  | 'shared-memory'
  | 'stream'
  | 'too-large'
  | 'weak-collection'
  | 'weak-reference';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
