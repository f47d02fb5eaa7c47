/** What is known of the live functions that one capture reaches. */
import { types } from 'node:util';
import type * as ESTree from 'estree';
import { blind } from './blind-inspection.ts';
import { isStandardGlobal, type BuiltIns } from './built-ins.ts';
import type { ContextReader } from './cells.ts';
import { HeapSnapshot } from './heap-snapshot.ts';
import { readClass, type LiveClass } from './class-shape.ts';
import { analyseSite } from './free-variables.ts';
import type { FunctionPeek, LiveScope } from './function-peek.ts';
import { LiveInspector, type Inspection } from './inspector.ts';
import { readOuterThis } from './lexical-this.ts';
import { findExport, isEntryFile, type ModuleExport } from './module-exports.ts';
import type { RerunCandidate } from './rerun.ts';
import type { RunningScript, Scripts } from './script-registry.ts';
import { ShipProblem, type SourcePlace } from './ship-errors.ts';
import { planSite, type SitePlan } from './site-plan.ts';
import { placeInSource } from './source-places.ts';
import { functionsSeenBy, stampOf, type Stamper } from './stamped-privates.ts';
import { isFunctionNode, type FunctionSite } from './syntax.ts';
import type { VisibleVariables } from './taken-members.ts';

type AnyClass = (abstract new (...args: never[]) => unknown) & { readonly prototype: object };

export type KnownFunction =
  | { readonly kind: 'builtin'; readonly name: string }
  | { readonly kind: 'bound'; readonly target: object; readonly thisArg: unknown; readonly args: readonly unknown[] }
  | { readonly kind: 'export'; readonly export: ModuleExport }
  | { readonly kind: 'code'; readonly plan: SitePlan; readonly peek: FunctionPeek };

export type KnownCode = Extract<KnownFunction, { kind: 'code' }>;

const textOf = (fn: object): string => Function.prototype.toString.call(fn as () => void);

/** Where functions are written, which never changes. */
const sites = new WeakMap<object, FunctionSite>();

/** By imported function: what is at the top of its module was there before. */
const stampersSeen = new WeakMap<object, Stamper | null>();

/** What one capture knows of live functions. Values are as they are now, so it is not kept for the next capture. */
export class FunctionKnowledge {
  readonly live: Inspection;
  readonly builtIns: BuiltIns;
  readonly #registry: Scripts;
  readonly #known = new Map<object, KnownFunction>();
  readonly #classes = new Map<object, LiveClass>();
  readonly #privates = new Map<object, boolean>();
  /** Objects that hold a function as a property; `null` when several do. */
  readonly #owners = new Map<object, object | null>();
  readonly #given: { readonly value: unknown } | undefined;
  #rootScript: string | undefined;
  readonly #peeks = new Map<object, FunctionPeek>();
  #taken: { readonly snapshot: HeapSnapshot | undefined } | undefined;
  #rootSite: FunctionSite | undefined;
  readonly #copying = new Set<object>();
  /** Whether a value could be sent; asked before the code around it is planned. */
  tryCopy: (value: object) => boolean = () => true;

  constructor(live: Inspection, registry: Scripts, builtIns: BuiltIns, given?: { readonly value: unknown }) {
    this.live = live;
    this.builtIns = builtIns;
    this.#registry = registry;
    this.#given = given;
  }

  /** The function that was given to the call: its own file's functions travel by value, exported or not. */
  setRoot(fn: object): (() => SourcePlace) | undefined {
    const { location, bound } = this.#peek(fn);
    if (bound !== undefined) return this.setRoot(bound.target);
    if (location === undefined) return undefined;
    const found = this.#locate(fn, location.scriptId, location);
    this.#rootScript = location.scriptId;
    if (found === undefined) return undefined;
    this.#rootSite = found;
    // Without an inspector a function's text is known, but not where it stands.
    if (!this.live.canSee) return undefined;
    const script = this.#registry.get(location.scriptId);
    return () => placeInSource(script, found.start);
  }

  /** Where the function that was given to the call is written. */
  get rootSite(): FunctionSite | undefined {
    return this.#rootSite;
  }

  /** The export by which a class can be imported; `undefined` for packages' classes and for what nobody exports. */
  exportOf(cls: object): ModuleExport | undefined {
    const { location } = this.live.peek(cls);
    if (location === undefined) return undefined;
    const script = this.#registry.get(location.scriptId);
    if (script.isNode || script.inPackage) return undefined;
    const known = this.know(cls);
    return known.kind === 'export' ? known.export : undefined;
  }

  /** Whether a captured value is one that a call could change. */
  isMutable(value: unknown): boolean {
    return typeof value === 'object' && value !== null && this.builtIns.nameOf(value) === undefined;
  }

  /** @throws ShipProblem for functions that cannot travel. */
  know(fn: object): KnownFunction {
    let known = this.#known.get(fn);
    if (known === undefined) {
      known = this.#learn(fn);
      this.#known.set(fn, known);
    }
    return known;
  }

  #learn(fn: object): KnownFunction {
    const name = this.builtIns.nameOf(fn);
    if (name !== undefined) return { kind: 'builtin', name };
    const peek = this.#peek(fn);
    if (peek.bound !== undefined) return { kind: 'bound', ...peek.bound };
    if (peek.location === undefined) return this.#nativeFunction(fn, 'a native function');
    const script = this.#registry.get(peek.location.scriptId);
    if (script.isNode) return this.#nativeFunction(fn, 'a function inside Node');
    const found = this.#locate(fn, script.id, peek.location);
    if (found === undefined)
      throw new ShipProblem('SHIP_NO_SOURCE', `the text of \`${nameOf(fn)}\` is not where V8 says it is`);
    const exported = this.#isForeign(script) ? findExport(fn, found, script, peek) : undefined;
    if (exported !== undefined) return { kind: 'export', export: exported };
    if (script.inPackage && script.id !== this.#rootScript) {
      const packageName =
        /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(script.file ?? '')?.[1] ?? 'a package';
      throw new ShipProblem(
        'SHIP_PACKAGE_INTERNAL',
        `it reaches \`${nameOf(fn)}\`, which the package ${packageName} made and does not export`,
      );
    }
    const plan = planSite(
      found,
      script,
      this.#visibleIn(() => peek.scopes),
    );
    refuseWhatIsLost(plan, nameOf(fn));
    if (!this.live.canSee) refuseWhatIsUnseen(plan, nameOf(fn));
    return { kind: 'code', plan, peek };
  }

  /** Exports of other modules go by reference, but for those of the program itself: importing it would run it again. */
  #isForeign(script: RunningScript): boolean {
    return script.id !== this.#rootScript && script.file !== undefined && !isEntryFile(script.file);
  }

  #nativeFunction(fn: object, what: string): KnownFunction {
    const name = this.builtIns.search(fn);
    if (name !== undefined) return { kind: 'builtin', name };
    throw new ShipProblem('SHIP_NATIVE_FUNCTION', `it reaches \`${nameOf(fn)}\`, ${what} that has no public name`);
  }

  #locate(fn: object, scriptId: string, location: NonNullable<FunctionPeek['location']>): FunctionSite | undefined {
    const known = sites.get(fn);
    if (known !== undefined) return known;
    const script = this.#registry.get(scriptId);
    if (script.isNode) return undefined;
    const site = script.parsed.locate(script.offsetOf(location), textOf(fn));
    if (site !== undefined) sites.set(fn, site);
    return site;
  }

  #peek(fn: object): FunctionPeek {
    let peek = this.#peeks.get(fn);
    if (peek === undefined) {
      peek = this.live.peek(fn);
      this.#peeks.set(fn, peek);
    }
    return peek;
  }

  planInitialiser({ site, script }: RerunCandidate, scopes: readonly LiveScope[]): SitePlan {
    return planSite(
      site,
      script,
      this.#visibleIn(() => scopes),
    );
  }

  #visibleIn(scopes: () => readonly LiveScope[]): VisibleVariables {
    const scopeOf = (name: string): LiveScope | undefined =>
      scopes().find(({ variables }) => Object.hasOwn(variables, name));
    return {
      has: (name) => scopeOf(name) !== undefined || Object.hasOwn(globalThis, name),
      read: (name) => scopeOf(name)?.variables[name],
      canCopy: (value) => this.#canCopy(value),
    };
  }

  #canCopy(value: object): boolean {
    // It is asked again while it is being tried when something that it reaches names it.
    if (this.#copying.has(value)) return true;
    this.#copying.add(value);
    try {
      return this.tryCopy(value);
    } finally {
      this.#copying.delete(value);
    }
  }

  placeOf(plan: SitePlan): SourcePlace {
    return placeInSource(plan.script, plan.site.start);
  }

  readClass(cls: object, { plan }: KnownCode): LiveClass {
    let read = this.#classes.get(cls);
    if (read === undefined) {
      read = readClass(cls as AnyClass, plan, this.live);
      this.#classes.set(cls, read);
    }
    return read;
  }

  /** The entries of a WeakMap or WeakSet; for a set the key and no value. */
  weakEntries(collection: object): { key: object; value: unknown }[] {
    return this.live
      .entries(collection)
      .map(({ key, value }) =>
        key === undefined ? { key: value as object, value: undefined } : { key: key as object, value },
      );
  }

  /** Whether instances with this prototype can have `#private` fields: asked of each class's text, once. */
  mayHavePrivates(prototype: object): boolean {
    const cached = this.#privates.get(prototype);
    if (cached !== undefined) return cached;
    const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    const parent = Object.getPrototypeOf(prototype) as object | null;
    const own =
      typeof constructor === 'function' &&
      !types.isProxy(constructor) &&
      textOf(constructor).includes('#') &&
      !this.#isNodeFunction(constructor);
    const answer =
      own || (parent !== null && parent !== Object.prototype && !types.isProxy(parent) && this.mayHavePrivates(parent));
    this.#privates.set(prototype, answer);
    return answer;
  }

  /** The first of some functions that is a class which puts `#private` members onto objects not its own; fields first. */
  stamperAmong(functions: Iterable<object>): Stamper | undefined {
    let found: Stamper | undefined;
    for (const fn of functions) {
      const stamp = stampOf(fn, (base) => this.#isNodeFunction(base));
      if (stamp === 'fields') return { cls: fn, stamp };
      if (stamp !== undefined) found ??= { cls: fn, stamp };
    }
    return found;
  }

  /** Such a class among those that a function of another module can name. */
  stamperSeenBy(fn: object): Stamper | undefined {
    if (this.builtIns.nameOf(fn) !== undefined) return undefined;
    let found = stampersSeen.get(fn);
    if (found === undefined) {
      found = this.stamperAmong(functionsSeenBy(fn, this.live)) ?? null;
      stampersSeen.set(fn, found);
    }
    return found ?? undefined;
  }

  #isNodeFunction(fn: object): boolean {
    if (this.builtIns.nameOf(fn) !== undefined) return true;
    const { location, bound } = this.#peek(fn);
    if (bound !== undefined) return false;
    return location === undefined || this.#registry.get(location.scriptId).isNode;
  }

  /** Whether a standard global is a function of the program's own, or of a package's. */
  isReplacedGlobal(name: string): boolean {
    const value: unknown = Object.getOwnPropertyDescriptor(globalThis, name)?.value;
    if (typeof value !== 'function' || types.isProxy(value)) return typeof value === 'function';
    return this.live.canSee && !this.#isNodeFunction(value);
  }

  /** One for the whole capture, and only if something asks. */
  #snapshot(): HeapSnapshot | undefined {
    if (this.#taken === undefined)
      this.#taken = { snapshot: this.live instanceof LiveInspector ? HeapSnapshot.take(this.live) : undefined };
    return this.#taken.snapshot;
  }

  readonly contextOf: ContextReader = (fn, scopes, depth) => {
    const contexts = this.#snapshot()?.contextsOf(fn) ?? [];
    // Scopes and contexts correspond one to one, or else nothing can be said.
    const visible = scopes.filter(({ kind }) => kind !== 'global' && kind !== 'script').length;
    return contexts.length === visible ? contexts[depth] : undefined;
  };

  noteOwner(fn: object, owner: object): void {
    const known = this.#owners.get(fn);
    this.#owners.set(fn, known === undefined || known === owner ? owner : null);
  }

  /** The `this` that an arrow function took from around it. */
  outerThis(fn: object, plan: SitePlan): unknown {
    const { thisProvider } = plan.analysis;
    if (
      this.#given !== undefined &&
      this.#rootSite !== undefined &&
      thisProvider === analyseSite(this.#rootSite).thisProvider
    )
      return this.#given.value;
    const owner = this.#owners.get(fn);
    if (owner !== undefined && owner !== null && thisProvider !== undefined && isMadeForOwner(plan, thisProvider))
      return owner;
    if (!(this.live instanceof LiveInspector)) throw blind('an outer `this`');
    return readOuterThis(fn, plan.site, {
      live: this.live,
      registry: this.#registry,
      snapshot: () => this.#snapshot(),
    });
  }
}

/** Class field initialisers make functions for one object, and constructors do where they write `this.name = () => …`. */
function isMadeForOwner(plan: SitePlan, provider: ESTree.Node): boolean {
  if (provider.type === 'PropertyDefinition' || provider.type === 'StaticBlock') return true;
  const text = plan.script.text.slice(Math.max(0, plan.site.start - 200), plan.site.start);
  return isFunctionNode(provider) && /\bthis\s*\.\s*[\p{ID_Continue}$]+\s*=\s*$/u.test(text);
}

function refuseWhatIsLost({ analysis, site }: SitePlan, name: string): void {
  if (analysis.outerNewTarget)
    throw new ShipProblem('SHIP_NEW_TARGET', `\`${name}\` uses a \`new.target\` of the function around it`);
  if (analysis.outerSuper)
    throw site.kind === 'method'
      ? new ShipProblem('SHIP_SUPER', `the method \`${name}\` uses \`super\` and was taken from its object`, {
          remedy: 'Ship the class or an instance instead of the lone method; of an object literal make a class.',
        })
      : new ShipProblem('SHIP_SUPER', `\`${name}\` uses the \`super\` of the class around it`, {
          remedy: 'Write a method in place of the arrow function, or call a method of `this` that uses `super`.',
        });
  const [privateName] = analysis.outerPrivateNames;
  if (privateName !== undefined && site.kind !== 'initialiser') {
    throw new ShipProblem(
      'SHIP_PRIVATE_NAME',
      `\`${name}\` uses \`${privateName}\`, which only code inside its class may name`,
      site.kind === 'method'
        ? {}
        : {
            remedy: `Read it first, \`const value = this.${privateName};\`, and use that; in a class, write a method in place of an arrow function.`,
          },
    );
  }
}

/** Without an inspector the text is all there is: it may name nothing from around it. */
function refuseWhatIsUnseen({ analysis }: SitePlan, name: string): void {
  const unseen = analysis.variables.find(
    (free) => free.variable === undefined && !isStandardGlobal(free.name) && free.name !== 'require',
  );
  if (unseen !== undefined) {
    throw new ShipProblem(
      'SHIP_NO_INSPECTOR',
      `\`${name}\` uses the variable \`${unseen.name}\`, whose value cannot be read without an inspector`,
      {
        remedy: `Name it among the captures, \`fn({ ${unseen.name} }, …)\`, or start Node with \`--allow-inspector\`.`,
      },
    );
  }
}

const nameOf = (fn: object): string => {
  const name: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value;
  return typeof name === 'string' && name !== '' ? name : 'anonymous';
};
