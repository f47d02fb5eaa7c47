/** The node that stands for a live function or class. */
import { types } from 'node:util';
import type * as ESTree from 'estree';
import type { ExtensionNode } from '../codec/graph-extension.ts';
import type { CaptureRecord } from './capture-record.ts';
import type { LiveClass } from './class-shape.ts';
import type { FunctionKnowledge, KnownCode } from './function-knowledge.ts';
import { isFunctionPrototype, readLinks, type ObjectLinks } from './object-links.ts';

type AnyClass = (abstract new (...args: never[]) => unknown) & { readonly prototype: object };

/** What every function has, and V8 gives sloppy ones. */
const IMPLICIT = new Set<PropertyKey>(['length', 'name', 'prototype', 'arguments', 'caller']);

/** A name that was set as functions get theirs; anything else about it travels as a property. */
function plainName(fn: object): string | undefined {
  const descriptor = Object.getOwnPropertyDescriptor(fn, 'name');
  const isPlain =
    descriptor !== undefined &&
    typeof descriptor.value === 'string' &&
    !descriptor.writable &&
    !descriptor.enumerable &&
    descriptor.configurable;
  return isPlain ? (descriptor.value as string) : undefined;
}

function unusualBasics(fn: object, parameters: readonly ESTree.Pattern[]): PropertyKey[] {
  const stop = parameters.findIndex(({ type }) => type === 'AssignmentPattern' || type === 'RestElement');
  const length = Object.getOwnPropertyDescriptor(fn, 'length');
  const isUsual = length?.value === (stop === -1 ? parameters.length : stop) && length?.writable === false;
  const hasOddName = plainName(fn) === undefined && Object.hasOwn(fn, 'name');
  return [...(length === undefined || isUsual ? [] : ['length']), ...(hasOddName ? ['name'] : [])];
}

export function describeClosure(
  fn: object,
  known: KnownCode,
  record: CaptureRecord,
  knowledge: FunctionKnowledge,
  extraChildren: readonly object[],
): ExtensionNode {
  const { plan } = known;
  const node = plan.site.node as ESTree.Function;
  const children = [...record.valuesOf(known, fn)];
  const labels = plan.values.map(({ name }) => `variable ${name}`);
  if (plan.takesThis) {
    children.push(knowledge.outerThis(fn, plan));
    labels.push('this');
  }
  const name = plainName(fn);
  const own = [...Reflect.ownKeys(fn).filter((key) => !IMPLICIT.has(key)), ...unusualBasics(fn, node.params ?? [])];
  const links = closureLinks(fn);
  if (
    own.length > 0 ||
    extraChildren.length > 0 ||
    links.data !== undefined ||
    children.some((child) => knowledge.isMutable(child))
  )
    record.noteMutable();
  return {
    tag: 'fn',
    data: {
      s: plan.id,
      ...(name === undefined ? {} : { n: name }),
      ...(Object.hasOwn(fn, 'name') ? {} : { n: null }),
      ...(links.data === undefined ? {} : { links: links.data }),
    },
    children: [...children, ...extraChildren, ...links.children],
    own,
    labels: [...labels, ...extraChildren.map(() => 'its prototype'), ...links.labels],
  };
}

function closureLinks(fn: object): ObjectLinks {
  const proto = Object.getPrototypeOf(fn) as object | null;
  const usual = { proto: isFunctionPrototype(proto) ? proto : Function.prototype };
  const prototype = Object.getOwnPropertyDescriptor(fn, 'prototype');
  if (prototype === undefined) return readLinks(fn, usual);
  return readLinks(fn, { ...usual, prototype: isBornPrototype(prototype.value, fn) ? prototype.value : undefined });
}

/** Whether it is the `prototype` that a function was born with; a generator's has no constructor. */
function isBornPrototype(prototype: unknown, fn: object): boolean {
  if (typeof prototype !== 'object' || prototype === null || types.isProxy(prototype)) return false;
  const constructor = Object.getOwnPropertyDescriptor(prototype, 'constructor');
  if (constructor !== undefined) return constructor.value === fn;
  const parent: unknown = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(fn) ?? {}, 'prototype')?.value;
  return parent !== undefined && Object.getPrototypeOf(prototype) === parent && Reflect.ownKeys(prototype).length === 0;
}

export function describeClass(
  cls: AnyClass,
  known: KnownCode,
  record: CaptureRecord,
  knowledge: FunctionKnowledge,
): { node: ExtensionNode; live: LiveClass } {
  const { plan } = known;
  const live = knowledge.readClass(cls, known);
  for (const key of live.statics) {
    const field: unknown = Object.getOwnPropertyDescriptor(cls, key)?.value;
    if (typeof field === 'function' && !types.isProxy(field)) knowledge.noteOwner(field, cls);
  }
  const hasBase = 'base' in live;
  const needs = [...(hasBase ? [live.base] : []), ...live.keys];
  const children = [...record.valuesOf(known, cls), ...live.staticPrivates];
  const name = plainName(cls);
  const proto = Object.getPrototypeOf(cls) as object | null;
  const links = readLinks(cls, hasBase || isFunctionPrototype(proto) ? {} : { proto: Function.prototype });
  const constructor = (plan.site.node as ESTree.Class).body.body.find(
    (element) => element.type === 'MethodDefinition' && element.kind === 'constructor',
  );
  const parameters = constructor?.type === 'MethodDefinition' ? constructor.value.params : [];
  const textNames = new Set([...live.members.values()].filter(({ isStatic }) => isStatic).map(({ key }) => key));
  if (
    live.statics.length > 0 ||
    live.overlay.length > 0 ||
    live.prototypeLinks.data !== undefined ||
    links.data !== undefined ||
    [...children, ...live.staticPrivates].some((child) => knowledge.isMutable(child)) ||
    live.staticPrivates.length > 0
  ) {
    record.noteMutable();
  }
  const needsPrototype = live.overlay.length > 0 || live.prototypeLinks.data !== undefined;
  const node: ExtensionNode = {
    tag: 'class',
    data: {
      s: plan.id,
      k: record.addClass(plan, cls),
      base: hasBase,
      ...(name === undefined ? {} : { n: name }),
      ...(links.data === undefined ? {} : { links: links.data }),
      ...(live.missing.length === 0 ? {} : { missing: live.missing.map(([isStatic, key]) => [isStatic, key]) }),
    },
    needs,
    children: [...children, ...(needsPrototype ? [cls.prototype] : []), ...links.children],
    own: [...live.statics, ...unusualBasics(cls, parameters).filter((key) => !textNames.has(key))],
    labels: [
      ...(hasBase ? ['its base class'] : []),
      ...live.keys.map(() => 'a computed key'),
      ...plan.values.map((variable) => `variable ${variable.name}`),
      ...live.staticPrivates.map(() => 'a static private field'),
      ...(needsPrototype ? ['its prototype'] : []),
      ...links.labels,
    ],
  };
  return { node, live };
}
