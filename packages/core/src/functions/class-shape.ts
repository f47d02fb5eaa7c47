/**
 * A class by value. Its text is evaluated again without its side effects: the base and the computed keys are given to
 * it, static fields and blocks are left out and the live values put back.
 */
import { types } from 'node:util';
import type * as ESTree from 'estree';
import type { Inspection } from './inspector.ts';
import { isObjectPrototype, readLinks, type ObjectLinks } from './object-links.ts';
import { ShipProblem } from './ship-errors.ts';
import type { SitePlan } from './site-plan.ts';
import { placed, type Node } from './syntax.ts';

type ClassElement = ESTree.MethodDefinition | ESTree.PropertyDefinition | ESTree.StaticBlock;

/** What of a class's text must be given to it when it is made again. */
export interface ClassShape {
  readonly superClass: Node<ESTree.Expression> | undefined;
  /** Elements that stay and have a computed key, in source order. */
  readonly computed: readonly Node<ESTree.MethodDefinition | ESTree.PropertyDefinition>[];
  /** Static `#private` fields: name without `#`. */
  readonly staticPrivates: readonly string[];
  /** Elements that are left out of the text. */
  readonly removed: readonly Node<ClassElement>[];
  /** Static `#private` fields, which stay without their initialiser. */
  readonly emptied: readonly Node<ESTree.PropertyDefinition>[];
}

export function classShape(node: ESTree.Class): ClassShape {
  const computed: Node<ESTree.MethodDefinition | ESTree.PropertyDefinition>[] = [];
  const removed: Node<ClassElement>[] = [];
  const emptied: Node<ESTree.PropertyDefinition>[] = [];
  for (const element of node.body.body.map(placed)) {
    if (element.type === 'StaticBlock') removed.push(element);
    else if (element.type === 'PropertyDefinition' && element.static) {
      if (element.key.type === 'PrivateIdentifier') emptied.push(element);
      else removed.push(element);
    } else if (element.computed) computed.push(element);
  }
  const staticPrivates = emptied.map(({ key }) => (key as ESTree.PrivateIdentifier).name);
  return {
    superClass: node.superClass ? placed(node.superClass) : undefined,
    computed,
    staticPrivates,
    removed,
    emptied,
  };
}

type Class = (abstract new (...args: never[]) => unknown) & { readonly prototype: object };

/** What is alive of a class, apart from its text. */
export interface LiveClass {
  /** The base class, or `null` for `extends null`; absent without `extends`. */
  readonly base?: unknown;
  readonly keys: readonly PropertyKey[];
  readonly staticPrivates: readonly unknown[];
  /** Own properties of the class, and of its prototype, that its text does not make. */
  readonly statics: readonly PropertyKey[];
  readonly overlay: readonly PropertyKey[];
  /** What else is unusual about its prototype. */
  readonly prototypeLinks: ObjectLinks;
  /** Methods of the text that are gone or replaced nowhere: `[isStatic, name]`. */
  readonly missing: readonly (readonly [boolean, string])[];
  /** Live methods that are those of the text. */
  readonly members: ReadonlyMap<
    object,
    { readonly key: PropertyKey; readonly isStatic: boolean; readonly part: 'value' | 'get' | 'set' }
  >;
}

export function readClass(cls: Class, plan: SitePlan, live: Inspection): LiveClass {
  const node = plan.site.node as ESTree.Class;
  const shape = classShape(node);
  const keys = shape.computed.map((element) => computedKey(cls, element, plan));
  const methods = textMethods(node, plan, shape, keys);
  const members: Map<object, { key: PropertyKey; isStatic: boolean; part: 'value' | 'get' | 'set' }> = new Map();
  const extra = (isStatic: boolean): PropertyKey[] => {
    const holder = isStatic ? cls : cls.prototype;
    const builtIn = isStatic ? ['length', 'name', 'prototype', 'arguments', 'caller'] : ['constructor'];
    return Reflect.ownKeys(holder).filter((key) => {
      const inText = methods.filter((method) => method.isStatic === isStatic && method.key === key);
      if (inText.length === 0) return !builtIn.includes(key as string);
      return !isTextMember(holder, key, isStatic, inText, members);
    });
  };
  const statics = extra(true);
  const overlay = extra(false);
  const missing = methods
    .filter(({ key, isStatic }) => typeof key === 'string' && !Object.hasOwn(isStatic ? cls : cls.prototype, key))
    .map(({ key, isStatic }) => [isStatic, key as string] as const);
  const privates = shape.staticPrivates.length === 0 ? undefined : live.privateFields(cls);
  const base = shape.superClass === undefined ? undefined : { base: baseOf(cls) };
  return {
    ...base,
    prototypeLinks: readLinks(cls.prototype, { proto: usualParent(cls, base) }),
    keys,
    staticPrivates: shape.staticPrivates.map((name) => privates?.get(`#${name}`)),
    statics,
    overlay,
    missing,
    members,
  };
}

interface TextMethod {
  readonly key: PropertyKey;
  readonly isStatic: boolean;
  readonly part: 'value' | 'get' | 'set';
  readonly text: string;
}

function textMethods(
  node: ESTree.Class,
  plan: SitePlan,
  shape: ClassShape,
  keys: readonly PropertyKey[],
): TextMethod[] {
  const result: TextMethod[] = [];
  for (const element of node.body.body) {
    if (
      element.type !== 'MethodDefinition' ||
      element.kind === 'constructor' ||
      element.key.type === 'PrivateIdentifier'
    )
      continue;
    const site = plan.site.script.siteOf(element.value);
    const key = element.computed ? keys[shape.computed.indexOf(placed(element))] : literalKey(element.key);
    if (site === undefined || key === undefined) continue;
    const part = element.kind === 'get' || element.kind === 'set' ? element.kind : 'value';
    result.push({ key, isStatic: element.static, part, text: plan.script.text.slice(site.start, site.end) });
  }
  return result;
}

function literalKey(key: ESTree.Expression | ESTree.PrivateIdentifier): PropertyKey | undefined {
  if (key.type === 'Identifier') return key.name;
  return key.type === 'Literal' ? String(key.value) : undefined;
}

const sourceOf = (fn: object): string => Function.prototype.toString.call(fn as () => void);

/** Whether a live property is what the text makes; notes its functions. Decorators and monkey patches put others there. */
function isTextMember(
  holder: object,
  key: PropertyKey,
  isStatic: boolean,
  inText: readonly TextMethod[],
  members: Map<object, { key: PropertyKey; isStatic: boolean; part: 'value' | 'get' | 'set' }>,
): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(holder, key);
  if (descriptor === undefined || descriptor.enumerable === true || descriptor.configurable !== true) return false;
  const parts = (['value', 'get', 'set'] as const).flatMap((part) => {
    const fn: unknown = descriptor[part];
    return typeof fn === 'function' ? [{ part, fn }] : [];
  });
  const isText = parts.every(({ part, fn }) =>
    inText.some((method) => method.part === part && method.text === sourceOf(fn)),
  );
  const count = new Set(inText.map(({ part }) => part)).size;
  if (!isText || parts.length !== count) return false;
  for (const { part, fn } of parts) members.set(fn, { key, isStatic, part });
  return true;
}

function baseOf(cls: Class): unknown {
  const base: unknown = Object.getPrototypeOf(cls);
  return base === Function.prototype && Object.getPrototypeOf(cls.prototype) === null ? null : base;
}

/** What the prototype of a class inherits from, unless somebody changed it. */
function usualParent(cls: Class, extended: { readonly base: unknown } | undefined): object | null {
  if (extended === undefined) {
    const parent = Object.getPrototypeOf(cls.prototype) as object | null;
    return isObjectPrototype(parent) ? parent : Object.prototype;
  }
  if (typeof extended.base !== 'function' || types.isProxy(extended.base)) return null;
  return (extended.base as unknown as Class).prototype;
}

/** The key that a computed key had: that of the live method with its text. */
function computedKey(
  cls: Class,
  element: Node<ESTree.MethodDefinition | ESTree.PropertyDefinition>,
  plan: SitePlan,
): PropertyKey {
  const { key } = element;
  if (key.type === 'Literal') return String(key.value);
  if (
    key.type === 'MemberExpression' &&
    key.object.type === 'Identifier' &&
    key.object.name === 'Symbol' &&
    key.property.type === 'Identifier'
  ) {
    const symbol: unknown = Reflect.get(Symbol, key.property.name);
    if (typeof symbol === 'symbol') return symbol;
  }
  if (element.type === 'MethodDefinition') {
    const site = plan.site.script.siteOf(element.value);
    const holder = element.static ? cls : cls.prototype;
    const text = site === undefined ? undefined : plan.script.text.slice(site.start, site.end);
    const part = element.kind === 'get' || element.kind === 'set' ? element.kind : 'value';
    const found = Reflect.ownKeys(holder).filter((candidate) => {
      const fn: unknown = Object.getOwnPropertyDescriptor(holder, candidate)?.[part];
      return typeof fn === 'function' && sourceOf(fn) === text;
    });
    if (found.length === 1) return found[0] as PropertyKey;
  }
  const what = plan.script.text.slice(placed(key).start, placed(key).end);
  throw new ShipProblem(
    'SHIP_LOST_BINDING',
    `the computed key \`[${what}]\` of class \`${cls.name}\` cannot be told any more`,
    {
      remedy: 'Give the class element a literal name, or move the class to a module of its own and import it.',
    },
  );
}
