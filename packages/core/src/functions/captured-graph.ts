/**
 * Teaches the data codec to carry functions: what stands for each closure, class, built-in and instance that a shipped
 * function reaches, and which code and imports the artifact must therefore have.
 *
 * The nodes, by tag (`received-graph.ts` makes them again):
 *
 *     builtin    name                                       Math.floor, node:fs.readFileSync
 *     cell       children: value                            a variable that several closures assign to
 *     fn         site, name, links; children: its variables a closure
 *     class      site, name, links; needs: base, keys       a class; children: variables, static #privates
 *     member     needs: class, key                          a method that came with its class
 *     prototype  links; needs: class                        `C.prototype`, with what was put onto it
 *     bound      needs: target, this, arguments
 *     import     id                                         an export of another module, by reference
 *     rerun      site; needs: its variables                 a const whose initialiser is evaluated again
 *     client-only  name                                     an executor that a class names
 *     weak       late children: keys and values             a WeakMap or WeakSet
 *     object     needs: prototype                           an object with an odd prototype
 *     revived    needs: class, data                         an instance whose class has the serialize hooks
 */
import { types } from 'node:util';
import { encodeValue } from '../codec/codec.ts';
import type {
  ExtensionNode,
  GraphExtension,
  GraphSite,
  LateChildren,
  Refusal,
  RefusalKind,
  WalkedGraph,
} from '../codec/graph-extension.ts';
import { blind } from './blind-inspection.ts';
import type { BuiltIns } from './built-ins.ts';
import { Cell } from './cells.ts';
import { clientOnlyName } from './client-only.ts';
import type { CaptureRecord } from './capture-record.ts';
import { ModuleReference } from './module-exports.ts';
import type { LiveScope } from './function-peek.ts';
import { isObjectPrototype, readLinks, type ObjectLinks } from './object-links.ts';
import { literalSite, mayBeReplaced, type RerunCandidate } from './rerun.ts';
import type { SitePlan, ValueVariable } from './site-plan.ts';
import { privateMethodOf } from './private-members.ts';
import { stampOn } from './stamped-privates.ts';
import { isClassNode } from './syntax.ts';
import { describeClosure, describeClass } from './describe-functions.ts';
import type { FunctionKnowledge, KnownCode } from './function-knowledge.ts';
import { SERIALIZE } from './received-graph.ts';
import { ShipProblem, type ShipErrorCode } from './ship-errors.ts';

type AnyClass = (abstract new (...args: never[]) => unknown) & { readonly prototype: object };

export interface CapturedGraphOptions {
  /** Refuses objects that have `#private` members of a class which is not theirs; asks the inspector about each. */
  readonly looksForStamps?: boolean;
  /** Candidates for a second evaluation that are being tried as values, here and in the graphs around this one. */
  readonly trying?: ReadonlySet<object>;
}

export class CapturedGraph implements GraphExtension {
  readonly #record: CaptureRecord;
  readonly #knowledge: FunctionKnowledge;
  readonly #builtIns: BuiltIns;
  readonly #looksForStamps: boolean;
  readonly #trying: ReadonlySet<object>;
  readonly #weak: { readonly collection: object; readonly sent: Set<object>; readonly path: string }[] = [];
  readonly #members = new Map<
    object,
    { readonly of: object; readonly key: PropertyKey; readonly isStatic: boolean; readonly part: string }
  >();

  constructor(record: CaptureRecord, knowledge: FunctionKnowledge, options: CapturedGraphOptions = {}) {
    const { looksForStamps = false, trying = new Set() } = options;
    this.#looksForStamps = looksForStamps;
    this.#record = record;
    this.#knowledge = knowledge;
    this.#builtIns = knowledge.builtIns;
    this.#trying = trying;
  }

  claims(value: object): boolean {
    return this.#builtIns.nameOf(value) !== undefined || this.#stampOn(value) !== undefined;
  }

  #stampOn(value: object): string | undefined {
    return this.#looksForStamps ? stampOn(value, this.#knowledge.live) : undefined;
  }

  describe(value: object | symbol, site: GraphSite): ExtensionNode | undefined {
    if (typeof value === 'symbol') return undefined;
    try {
      return this.#describe(value, site);
    } catch (error) {
      if (error instanceof ShipProblem && error.walkPath === '') error.walkPath = site.path();
      throw error;
    }
  }

  #describe(value: object, site: GraphSite): ExtensionNode | undefined {
    const builtIn = this.#builtIns.nameOf(value);
    if (builtIn !== undefined) return { tag: 'builtin', data: builtIn };
    // Anything asked of a proxy would run the user's traps; the codec refuses it.
    if (types.isProxy(value)) return this.#describeRerun(value);
    if (value instanceof Cell) {
      this.#record.noteMutable();
      return { tag: 'cell', data: value.constant, children: [value.value], labels: [`variable ${value.name}`] };
    }
    if (value instanceof ModuleReference) return { tag: 'import', data: this.#record.addExport(value.export) };
    if (value instanceof LiteralConst) {
      const plan = this.#knowledge.planInitialiser(value.candidate, this.#record.scopesOf(value.candidate.script));
      this.#record.addSite(plan);
      return { tag: 'rerun', data: plan.id, whole: true };
    }
    if (isInstance(value)) {
      const name = clientOnlyName(value);
      if (name !== undefined && site.path().includes('[[its class]]')) return { tag: 'client-only', data: name };
    }
    const rerun = this.#describeRerun(value);
    if (rerun !== undefined) return rerun;
    const stamp = this.#stampOn(value);
    if (stamp !== undefined) throw stamped(stamp);
    if (typeof value === 'function') return this.#describeFunction(value);
    if (types.isWeakMap(value) || types.isWeakSet(value)) {
      if (!this.#knowledge.live.canSee) throw blind('a WeakMap or WeakSet');
      this.#weak.push({ collection: value, sent: new Set(), path: site.path() });
      return { tag: 'weak', data: types.isWeakMap(value) };
    }
    const prototype = this.#describePrototype(value);
    if (prototype !== undefined) return prototype;
    // Bundlers make namespaces of callable CommonJS modules as objects that inherit from `Function.prototype`.
    if (Object.getPrototypeOf(value) === Function.prototype) {
      return { tag: 'object', needs: [Function.prototype], own: Reflect.ownKeys(value) };
    }
    return this.#inspectInstance(value);
  }

  settle(graph: WalkedGraph): readonly LateChildren[] {
    return this.#weak.flatMap(({ collection, sent, path }) => {
      const fresh = this.#knowledge.weakEntries(collection).filter(({ key }) => graph.has(key) && !sent.has(key));
      for (const { key } of fresh) sent.add(key);
      const children = fresh.flatMap(({ key, value }) => (types.isWeakMap(collection) ? [key, value] : [key]));
      return children.length === 0 ? [] : [{ of: collection, children, path: `${path}.[[an entry]]` }];
    });
  }

  refuse(refusal: Refusal): Error {
    return new ShipProblem(this.#refusalCode(refusal), `it reaches ${refusal.what}, which cannot travel`, {
      walkPath: refusal.path,
    });
  }

  /** The codec calls handles what keeps its state inside Node; of those, what the language itself offers is no handle. */
  #refusalCode({ kind, value }: Refusal): ShipErrorCode {
    if (kind !== 'handle' || typeof value !== 'object' || value === null) return REFUSAL_CODES[kind];
    const constructor: unknown = Object.getOwnPropertyDescriptor(
      Object.getPrototypeOf(value) ?? {},
      'constructor',
    )?.value;
    const name = typeof constructor === 'function' ? this.#builtIns.nameOf(constructor) : undefined;
    const isHandle = name === undefined || name.startsWith('node:') || GLOBAL_HANDLES.has(name);
    return isHandle ? REFUSAL_CODES[kind] : 'SHIP_BUILTIN_INSTANCE';
  }

  create(): never {
    throw new Error('a captured graph is never decoded on the client');
  }

  #describeFunction(fn: object): ExtensionNode {
    const member = this.#members.get(fn);
    if (member !== undefined) {
      return {
        tag: 'member',
        data: { static: member.isStatic, part: member.part },
        needs: [member.of, member.key],
        labels: ['its class'],
      };
    }
    const prototype: unknown = Object.getPrototypeOf(fn);
    // An instance of a class of functions. Of a class the prototype is its base, a function.
    if (typeof prototype === 'object' && prototype !== null && !types.isProxy(prototype))
      this.#refusePrivates(fn, prototype);
    const known = this.#knowledge.know(fn);
    switch (known.kind) {
      case 'builtin':
        return { tag: 'builtin', data: known.name };
      case 'bound':
        if ([known.thisArg, ...known.args].some((part) => this.#knowledge.isMutable(part))) this.#record.noteMutable();
        return {
          tag: 'bound',
          needs: [known.target, known.thisArg, ...known.args],
          own: boundProperties(fn),
          labels: ['bound function', 'bound this'],
        };
      case 'export':
        return { tag: 'import', data: this.#record.addExport(known.export, fn) };
      case 'code':
        return this.#describeCode(fn, known);
    }
  }

  #describeCode(fn: object, known: KnownCode): ExtensionNode {
    this.#record.noteCandidates(known.plan.script, fn, known.peek);
    this.#record.addSite(known.plan);
    if (!isClassNode(known.plan.site.node)) {
      const prototype = ownPrototype(fn);
      const needsPrototype = prototype !== undefined && hasMore(prototype);
      return describeClosure(fn, known, this.#record, this.#knowledge, needsPrototype ? [prototype] : []);
    }
    const cls = fn as AnyClass;
    const { node, live } = describeClass(cls, known, this.#record, this.#knowledge);
    for (const [method, { key, isStatic, part }] of live.members)
      this.#members.set(method, { of: cls, key, isStatic, part });
    return node;
  }

  #describePrototype(value: object): ExtensionNode | undefined {
    const constructor: unknown = Object.getOwnPropertyDescriptor(value, 'constructor')?.value;
    if (typeof constructor !== 'function' || types.isProxy(constructor)) return undefined;
    const owner = constructor as unknown as AnyClass;
    if (Object.getOwnPropertyDescriptor(owner, 'prototype')?.value !== value) return undefined;
    const known = this.#knowledge.know(owner);
    if (known.kind === 'builtin') return { tag: 'builtin', data: `${known.name}.prototype` };
    const base = { tag: 'prototype', needs: [owner], labels: ['its class'] };
    if (known.kind !== 'code') return base;
    this.#record.noteMutable();
    if (isClassNode(known.plan.site.node)) {
      const { overlay, prototypeLinks } = this.#knowledge.readClass(owner, known);
      return { ...base, ...linkParts(prototypeLinks), own: overlay };
    }
    const parent = Object.getPrototypeOf(value) as object | null;
    const links = readLinks(value, { proto: isObjectPrototype(parent) ? parent : Object.prototype });
    return { ...base, ...linkParts(links), own: Reflect.ownKeys(value).filter((key) => key !== 'constructor') };
  }

  /** Refuses what an instance has that cannot be taken along, and finds the `this` of its arrow fields. */
  #inspectInstance(value: object): ExtensionNode | undefined {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (
      prototype === null ||
      prototype === Object.prototype ||
      this.#builtIns.nameOf(prototype as object) !== undefined
    )
      return undefined;
    const cls: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    const hook: unknown = typeof cls === 'function' && !types.isProxy(cls) ? Reflect.get(cls, SERIALIZE) : undefined;
    if (typeof hook === 'function') {
      return {
        tag: 'revived',
        needs: [cls, Reflect.apply(hook, cls, [value])],
        whole: true,
        labels: ['its class', 'what its hook made of it'],
      };
    }
    this.#refusePrivates(value, prototype as object);
    for (const key of Reflect.ownKeys(value)) {
      const field: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
      if (typeof field === 'function' && !types.isProxy(field)) this.#knowledge.noteOwner(field, value);
    }
    return undefined;
  }

  #refusePrivates(value: object, prototype: object): void {
    if (!this.#knowledge.mayHavePrivates(prototype)) return;
    const [field] = this.#knowledge.live.privateNames(value);
    const name = field ?? privateMethodOf(prototype);
    if (name === undefined) return;
    throw new ShipProblem(
      'SHIP_PRIVATE_INSTANCE',
      `it reaches an instance of \`${className(prototype)}\`, which has the private member \`${name}\``,
    );
  }

  #describeRerun(value: object): ExtensionNode | undefined {
    const candidate = this.#record.candidateFor(value);
    if (candidate === undefined || this.#trying.has(value)) return undefined;
    let problem = this.#record.trials.get(value);
    if (problem === undefined) {
      problem = this.#try(value);
      this.#record.trials.set(value, problem);
    }
    if (problem === 'travels' || mayBeReplaced(candidate, problem.code)) return undefined;
    const scopes = this.#record.scopesOf(candidate.script);
    const plan = this.#knowledge.planInitialiser(candidate, scopes);
    if (plan.takesThis) throw problem;
    this.#record.addSite(plan);
    const where = this.#knowledge.placeOf(plan);
    this.#record.warn(
      `\`${candidate.name}\` (${where.file}:${where.line}) cannot be copied; it is made again once per worker process and job, so later changes to it, such as \`connect()\`, are not repeated`,
    );
    const needs = plan.values.map((variable) => this.#initialiserNeed(variable, plan, scopes, value));
    return {
      tag: 'rerun',
      data: plan.id,
      needs,
      whole: true,
      labels: plan.values.map(({ name }) => `variable ${name}`),
    };
  }

  #initialiserNeed(variable: ValueVariable, plan: SitePlan, scopes: readonly LiveScope[], made: object): unknown {
    try {
      return this.#record.valueOf(variable, plan, scopes, made);
    } catch (error) {
      const site = variable.variable === undefined ? undefined : literalSite(variable.variable, plan.site.script);
      if (site === undefined) throw unseen(variable.name, error);
      return new LiteralConst({ name: variable.name, path: [], script: plan.script, site });
    }
  }

  // A trial with a record of its own: what it would have added to the artifact goes with it.
  #try(value: object): ShipProblem | 'travels' {
    try {
      const trial = new CapturedGraph(this.#record.fork(), this.#knowledge, {
        looksForStamps: this.#looksForStamps,
        trying: new Set([...this.#trying, value]),
      });
      encodeValue(value, { extension: trial });
      return 'travels';
    } catch (error) {
      if (error instanceof ShipProblem) return error;
      throw error;
    }
  }
}

const stamped = (name: string): ShipProblem =>
  new ShipProblem(
    'SHIP_PRIVATE_INSTANCE',
    `it reaches an object onto which a class has put its private member \`${name}\`, though it is no instance of it`,
    { remedy: 'Keep what belongs to it in a WeakMap, or put the member onto it inside the function.' },
  );

/** The links of a prototype, which comes with its class. */
const linkParts = ({ data, children, labels }: ObjectLinks): Pick<ExtensionNode, 'data' | 'children' | 'labels'> => ({
  ...(data === undefined ? {} : { data }),
  children,
  labels: ['its class', ...labels],
});

/** Whether the prototype of an old-style constructor has more to it than the one that a function is born with. */
const hasMore = (prototype: object): boolean =>
  Reflect.ownKeys(prototype).length > 1 ||
  Object.getPrototypeOf(prototype) !== Object.prototype ||
  !Object.isExtensible(prototype);

/** Whether it is an object of some class, and nothing of it would run the user's code when asked. */
const isInstance = (value: object): boolean =>
  typeof value === 'object' &&
  !types.isProxy(value) &&
  Object.getPrototypeOf(value) !== Object.prototype &&
  !Array.isArray(value);

/** V8 shows what closures use, and what is exported. */
function unseen(name: string, error: unknown): unknown {
  if (!(error instanceof ShipProblem) || error.code !== 'SHIP_LOST_BINDING') return error;
  return new ShipProblem(
    'SHIP_LOST_BINDING',
    `it is made again on the worker, and what it is made with, \`${name}\`, cannot be seen any more`,
    {
      remedy: `Export \`${name}\`, or import it from a file of its own.`,
    },
  );
}

/** Stands for a const of literals that V8 has not kept. */
class LiteralConst {
  readonly candidate: RerunCandidate;

  constructor(candidate: RerunCandidate) {
    this.candidate = candidate;
  }
}

const className = (prototype: object): string => {
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof constructor === 'function' ? constructor.name : 'a class';
};

const ownPrototype = (fn: object): object | undefined => {
  const prototype: unknown = Object.getOwnPropertyDescriptor(fn, 'prototype')?.value;
  const isOwn =
    typeof prototype === 'object' &&
    prototype !== null &&
    Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value === fn;
  return isOwn ? prototype : undefined;
};

const boundProperties = (fn: object): PropertyKey[] =>
  Reflect.ownKeys(fn).filter((key) => key !== 'length' && key !== 'name');

/** Globals whose instances are connections to something. */
const GLOBAL_HANDLES = new Set(['BroadcastChannel', 'EventSource', 'MessageChannel', 'MessagePort', 'WebSocket']);

const REFUSAL_CODES: Readonly<Record<RefusalKind, ShipErrorCode>> = {
  accessor: 'SHIP_BUILTIN_INSTANCE',
  'builtin-instance': 'SHIP_BUILTIN_INSTANCE',
  class: 'SHIP_NATIVE_FUNCTION',
  cycle: 'SHIP_BUILTIN_INSTANCE',
  environment: 'SHIP_BUILTIN_INSTANCE',
  function: 'SHIP_NATIVE_FUNCTION',
  handle: 'SHIP_HANDLE',
  iterator: 'SHIP_ITERATOR',
  namespace: 'SHIP_NAMESPACE',
  promise: 'SHIP_PROMISE',
  proxy: 'SHIP_PROXY',
  'resizable-memory': 'SHIP_SHARED_MEMORY',
  'shared-memory': 'SHIP_SHARED_MEMORY',
  stream: 'SHIP_STREAM',
  'too-large': 'SHIP_TOO_BIG',
  'weak-collection': 'SHIP_WEAKREF',
  'weak-reference': 'SHIP_WEAKREF',
};
