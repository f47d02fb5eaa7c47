/**
 * `#private` members on objects that are no instances of the class: where a base constructor returns another object,
 * `class Brand extends Other { #x = 1 }` puts `#x` onto that, whatever it is. Nothing but V8's inspector shows it, at some
 * tenths of a millisecond for each object, so objects are asked only when a class that can do so travels as well:
 * without it no code on the worker could tell.
 */
import { types } from 'node:util';
import type * as ESTree from 'estree';
import type { Inspection } from './inspector.ts';
import { childNodes, isClassNode, isFunctionNode, parseFunction } from './syntax.ts';

/** What a class can put onto objects that are none of its instances. V8 shows fields and accessors, but no methods. */
export type Stamp = 'fields' | 'methods';

export interface Stamper {
  readonly cls: object;
  readonly stamp: Stamp;
}

/** What is read off the text of a constructor. */
interface ConstructorFacts {
  readonly extendsOther: boolean;
  readonly privates: Stamp | undefined;
  readonly staticPrivates: readonly string[];
  /** Whether `new` may give something else than what it made. */
  readonly returnsAnother: boolean;
}

const stamps = new WeakMap<object, Stamp | null>();
const factsOf = new WeakMap<object, ConstructorFacts>();

const textOf = (fn: object): string => Function.prototype.toString.call(fn as () => void);
const NATIVE = /\{\s*\[native code\]\s*\}$/;

/** @param isNodes - whether a function is one of Node's own: some return an instance when they are called without `new`. */
export function stampOf(cls: object, isNodes: (fn: object) => boolean): Stamp | undefined {
  let stamp = stamps.get(cls);
  if (stamp === undefined) {
    stamp = types.isProxy(cls) ? null : (readStamp(cls, isNodes) ?? null);
    stamps.set(cls, stamp);
  }
  return stamp ?? undefined;
}

function readStamp(cls: object, isNodes: (fn: object) => boolean): Stamp | undefined {
  const text = textOf(cls);
  if (!text.startsWith('class') || !text.includes('#') || !/\bextends\b/.test(text)) return undefined;
  const { extendsOther, privates } = readConstructor(cls, text);
  if (!extendsOther || privates === undefined) return undefined;
  return mayGiveAnother(Object.getPrototypeOf(cls), isNodes) ? privates : undefined;
}

/** Whether `super()` may give an object of another's making. */
function mayGiveAnother(base: unknown, isNodes: (fn: object) => boolean): boolean {
  for (let at = base; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    if (types.isProxy(at)) return true;
    const text = textOf(at);
    if (NATIVE.test(text)) return text.includes('function () {') && at !== Function.prototype;
    const { extendsOther, returnsAnother } = readConstructor(at, text);
    if (returnsAnother) return !isNodes(at);
    if (!extendsOther) return false;
  }
  return false;
}

/** What cannot be parsed counts as a class that can do all of it: that costs time and nothing else. */
const UNKNOWN: ConstructorFacts = { extendsOther: true, privates: 'fields', staticPrivates: [], returnsAnother: true };

function readConstructor(fn: object, text: string): ConstructorFacts {
  let facts = factsOf.get(fn);
  if (facts === undefined) {
    const node = parseFunction(text);
    facts = node === undefined ? UNKNOWN : isClassNode(node) ? readClassNode(node) : readFunctionNode(node);
    factsOf.set(fn, facts);
  }
  return facts;
}

function readClassNode({ id, superClass, body }: ESTree.Class): ConstructorFacts {
  let privates: Stamp | undefined;
  const staticPrivates: string[] = [];
  let returnsAnother = false;
  for (const element of body.body) {
    if (element.type === 'StaticBlock') continue;
    const isMethod = element.type === 'MethodDefinition';
    if (isMethod && element.kind === 'constructor') returnsAnother = hasOwnReturn(element.value.body, id?.name);
    if (element.key.type !== 'PrivateIdentifier') continue;
    if (element.static) staticPrivates.push(`#${element.key.name}`);
    else if (!isMethod || element.kind !== 'method') privates = 'fields';
    else privates ??= 'methods';
  }
  return { extendsOther: superClass !== null && superClass !== undefined, privates, staticPrivates, returnsAnother };
}

function readFunctionNode(node: ESTree.Node): ConstructorFacts {
  const { body, id } = node as ESTree.FunctionExpression;
  return {
    extendsOther: false,
    privates: undefined,
    staticPrivates: [],
    returnsAnother: hasOwnReturn(body, id?.name),
  };
}

/** Whether a constructor returns a value of its own choice; `if (!(this instanceof Self)) return new Self()` is none. */
function hasOwnReturn(body: ESTree.Node, ownName: string | undefined): boolean {
  const stack: ESTree.Node[] = [body];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node.type === 'ReturnStatement' && mayBeAnother(node.argument, ownName)) return true;
    for (const child of childNodes(node)) if (!isFunctionNode(child) && !isClassNode(child)) stack.push(child);
  }
  return false;
}

function mayBeAnother(value: ESTree.Expression | null | undefined, ownName: string | undefined): boolean {
  if (value === null || value === undefined || value.type === 'ThisExpression' || value.type === 'Literal')
    return false;
  if (value.type === 'UnaryExpression') return false;
  const isSelf = value.type === 'NewExpression' && value.callee.type === 'Identifier' && value.callee.name === ownName;
  return !isSelf;
}

/** The name of a private member that an object has and no class of its own declares. */
export function stampOn(value: object, live: Pick<Inspection, 'privateNames'>): string | undefined {
  if (types.isProxy(value)) return undefined;
  const names = live.privateNames(value);
  if (names.length === 0) return undefined;
  const own = typeof value === 'function' ? readConstructor(value, textOf(value)).staticPrivates : [];
  return names.find((name) => !own.includes(name) && !isDeclaredByClass(name, value));
}

function isDeclaredByClass(name: string, value: object): boolean {
  for (let at: unknown = Object.getPrototypeOf(value); typeof at === 'object' && at !== null;) {
    if (types.isProxy(at)) return false;
    const cls: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value;
    if (typeof cls === 'function' && !types.isProxy(cls) && textOf(cls).includes(name)) return true;
    at = Object.getPrototypeOf(at);
  }
  return false;
}

/** Functions that a function of another module can name: those at the top of it, and those that it imports. */
export function functionsSeenBy(fn: object, live: Inspection): Set<object> {
  const seen = new Set([fn]);
  for (const { kind, variables } of live.peek(fn).scopes) {
    if (kind === 'global' || kind === 'script') continue;
    for (const name of Object.keys(variables)) {
      const value = readSafely(variables, name);
      if (typeof value === 'function') seen.add(value);
    }
  }
  return seen;
}

function readSafely(variables: Readonly<Record<string, unknown>>, name: string): unknown {
  try {
    return variables[name];
  } catch {
    // Not initialised yet, so nothing was made with it.
    return undefined;
  }
}
