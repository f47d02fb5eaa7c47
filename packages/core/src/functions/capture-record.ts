/** What one capture has found so far: the code and imports that the artifact must have, and what users should hear of. */
import { createHash } from 'node:crypto';
import { types } from 'node:util';
import { CellTable, type ContextReader } from './cells.ts';
import type { FunctionKnowledge } from './function-knowledge.ts';
import type { FunctionPeek, LiveScope } from './function-peek.ts';
import type { ModuleExport } from './module-exports.ts';
import { rerunCandidates, type RerunCandidate } from './rerun.ts';
import type { RunningScript } from './script-registry.ts';
import { ShipProblem } from './ship-errors.ts';
import type { SitePlan, ValueVariable } from './site-plan.ts';
import type { Stamper } from './stamped-privates.ts';

export type TrialResult = ShipProblem | 'travels';

/** Variables that never change need not be read again; what they refer to is walked anew each time. */
const settledValues = new WeakMap<object, { readonly plan: SitePlan; readonly values: readonly unknown[] }>();

export class CaptureRecord {
  readonly sites = new Map<string, SitePlan>();
  readonly exports = new Map<string, ModuleExport>();
  /** Live classes by the key under which their instances travel. */
  readonly classes = new Map<string, object>();
  readonly warnings = new Set<string>();
  readonly cells: CellTable;
  /** Whether it is needed that the initialisers of values are evaluated again. */
  readonly trials: Map<object, TrialResult>;
  /** Values whose initialisers could be evaluated again. */
  readonly #candidates: Candidates;
  /** Of each script one closure, whose scopes show what is at the top of it. */
  readonly #closures: Map<string, FunctionPeek>;
  /** What was found to be an export of another module. */
  readonly #exported = new Set<object>();
  #imported: ReadonlySet<object> | undefined;
  #isImmutable = true;

  readonly #contextOf: ContextReader;

  constructor(contextOf: ContextReader, shared?: CaptureRecord) {
    this.#contextOf = contextOf;
    this.cells = new CellTable(contextOf);
    this.trials = shared?.trials ?? new Map();
    this.#candidates = shared === undefined ? new Candidates() : shared.#candidates;
    this.#closures = shared === undefined ? new Map() : shared.#closures;
  }

  /** A record that forgets what it is told but shares what was learnt of the program. */
  fork(): CaptureRecord {
    return new CaptureRecord(this.#contextOf, this);
  }

  /** Whether nothing that was captured can change, so that calls need no copy of their own. */
  get isImmutable(): boolean {
    return this.#isImmutable;
  }

  noteMutable(): void {
    this.#isImmutable = false;
  }

  addSite(plan: SitePlan): void {
    if (this.sites.has(plan.id)) return;
    this.sites.set(plan.id, plan);
    for (const hazard of new Set(plan.analysis.hazards)) this.warn(HAZARDS[hazard]);
  }

  /** @returns the id under which the worker finds it. */
  addExport(found: ModuleExport, fn?: object): string {
    const id = createHash('sha256').update(`${found.file}\0${found.name}`).digest('hex').slice(0, 20);
    this.exports.set(id, found);
    if (fn !== undefined) this.#exported.add(fn);
    if (fn !== undefined && isClass(fn)) this.classes.set(id, fn);
    return id;
  }

  /** @returns the key under which instances of a class by value travel; two classes made at one site get two keys. */
  addClass(plan: SitePlan, cls: object): string {
    for (let ordinal = 0; ; ordinal += 1) {
      const key = ordinal === 0 ? plan.id : `${plan.id}.${ordinal}`;
      const known = this.classes.get(key);
      if (known === cls) return key;
      if (known === undefined) {
        this.classes.set(key, cls);
        return key;
      }
    }
  }

  /** Classes that the code imports: their instances keep their class as inputs and results. */
  noteImportedClasses(knowledge: FunctionKnowledge): void {
    for (const fn of this.#importedFunctions) {
      const found = isClass(fn) ? knowledge.exportOf(fn) : undefined;
      if (found !== undefined) this.addExport(found, fn);
    }
  }

  /** Read once the walk is over, when all sites are known. */
  get #importedFunctions(): ReadonlySet<object> {
    this.#imported ??= new Set(
      [...this.sites.values()]
        .filter(({ imports }) => imports.length > 0)
        .flatMap((plan) => [...importedFunctions(plan, this.#closures.get(plan.script.id)?.scopes ?? [])]),
    );
    return this.#imported;
  }

  /**
   * What the classes that travel, or that imported functions see, can put onto objects that are none of their instances:
   * `#private` fields before methods.
   */
  findStamper(knowledge: FunctionKnowledge): Stamper | undefined {
    let found: Stamper | undefined;
    const consider = (stamper: Stamper | undefined): void => {
      if (stamper !== undefined && found?.stamp !== 'fields') found = stamper;
    };
    for (const cls of this.classes.values()) consider(knowledge.stamperAmong([cls]));
    for (const fn of [...this.#exported, ...this.#importedFunctions]) consider(knowledge.stamperSeenBy(fn));
    return found;
  }

  warn(message: string): void {
    this.warnings.add(message);
  }

  /** Learns which module-level consts of a script could be made again, from one of its closures. */
  noteCandidates(script: RunningScript, closure: object, peek: FunctionPeek): void {
    if (this.#closures.has(script.id)) return;
    this.#closures.set(script.id, peek);
    this.#candidates.add(() => rerunCandidates(script, closure, peek));
  }

  /** How a value could be made again, if it can. */
  candidateFor(value: object): RerunCandidate | undefined {
    return this.#candidates.get(value);
  }

  scopesOf(script: RunningScript): readonly LiveScope[] {
    return (this.#closures.get(script.id)?.scopes ?? []).filter(({ kind }) => kind !== 'function' || !script.isModule);
  }

  /** What a closure's variables hold, or the cells that it shares with others. */
  valuesOf({ plan, peek }: { readonly plan: SitePlan; readonly peek: FunctionPeek }, fn: object): readonly unknown[] {
    const known = settledValues.get(fn);
    if (known?.plan === plan) return known.values;
    const values = plan.values.map((variable) => this.valueOf(variable, plan, peek.scopes, fn));
    // Node 20 shows what is not initialised yet as `undefined`.
    if (plan.isSettled && !values.includes(undefined)) settledValues.set(fn, { plan, values });
    return values;
  }

  /** The value of a variable as a closure sees it, or the cell it shares with others. */
  valueOf(variable: ValueVariable, plan: SitePlan, scopes: readonly LiveScope[], fn: object): unknown {
    const found = findScope(variable, scopes);
    const value = found === undefined ? missingValue(variable) : readVariable(variable, found.scope);
    if (!variable.shared) return value;
    return this.cells.cellOf({
      name: variable.name,
      variable: variable.variable,
      constant: variable.constant,
      value,
      site: plan.site,
      script: plan.script,
      scopes,
      depth: found?.index ?? 0,
      fn,
    });
  }
}

/** Read when the first value is looked up, for that takes the inspector: most functions reach none. */
class Candidates {
  readonly #byValue = new Map<object, RerunCandidate>();
  #unread: (() => ReadonlyMap<object, RerunCandidate>)[] = [];

  add(read: () => ReadonlyMap<object, RerunCandidate>): void {
    this.#unread.push(read);
  }

  get(value: object): RerunCandidate | undefined {
    for (let read = this.#unread.shift(); read !== undefined; read = this.#unread.shift()) {
      for (const [made, candidate] of read()) this.#byValue.set(made, candidate);
    }
    return this.#byValue.get(value);
  }
}

const textOf = (fn: object): string => Function.prototype.toString.call(fn as () => void);
const isClass = (fn: object): boolean => textOf(fn).startsWith('class');

function importedFunctions({ imports, script }: SitePlan, scopes: readonly LiveScope[]): Set<object> {
  const functions = new Set<object>();
  const add = (value: unknown): void => {
    if (typeof value === 'function' && !types.isProxy(value)) functions.add(value);
  };
  for (const { name, uses } of imports) {
    const value = scopes.findLast((scope) => scope.kind !== 'global' && Object.hasOwn(scope.variables, name))
      ?.variables[name];
    add(value);
    if (typeof value !== 'object' || value === null || types.isProxy(value)) continue;
    // A namespace: the members that the function names.
    for (const use of uses) {
      const member = /^\s*\.\s*([\p{ID_Start}$_][\p{ID_Continue}$]*)/u.exec(
        script.text.slice(use.end, use.end + 300),
      )?.[1];
      if (member !== undefined && Object.hasOwn(value, member)) add((value as Record<string, unknown>)[member]);
    }
  }
  return functions;
}

function findScope(
  variable: ValueVariable,
  scopes: readonly LiveScope[],
): { scope: LiveScope; index: number } | undefined {
  const name = variable.exportsMember === undefined ? variable.name : rootOf(variable);
  const index = scopes.findIndex((scope) => scope.kind !== 'global' && Object.hasOwn(scope.variables, name));
  const scope = scopes[index];
  return scope === undefined ? undefined : { scope, index };
}

/** The variable of Node's wrapper that leads to a member of a CommonJS module's exports. */
const rootOf = ({ name }: ValueVariable): string => (name.startsWith('module.') ? 'module' : 'exports');

function readVariable(variable: ValueVariable, { variables }: LiveScope): unknown {
  const { name, exportsMember } = variable;
  try {
    if (exportsMember === undefined) return variables[name];
    const root = variables[rootOf(variable)] as Record<string, unknown>;
    return (rootOf(variable) === 'module' ? (root['exports'] as Record<string, unknown>) : root)[exportsMember];
  } catch (cause) {
    throw new ShipProblem('SHIP_TDZ', `its variable \`${name}\` is not initialised yet`, { cause });
  }
}

function missingValue({ name, variable }: ValueVariable): unknown {
  if (variable === undefined && Object.hasOwn(globalThis, name)) return Reflect.get(globalThis, name);
  throw new ShipProblem('SHIP_LOST_BINDING', `its variable \`${name}\` cannot be seen any more`);
}

const HAZARDS = {
  'computed-import':
    'The function has an import() of a computed name: it is not bundled and may not exist on the worker.',
  'computed-require':
    'The function has a require() of a computed name: it is not bundled and may not exist on the worker.',
  'direct-eval': 'The function calls eval: variables that only the evaluated text names do not travel.',
  'own-module':
    'The function uses `module` for more than `module.exports.name`, or `require.main`: these tell of the program, and do not exist on the worker.',
  'own-place': 'The function uses __dirname or __filename: they do not exist on the worker.',
  'import-meta': 'The function uses import.meta: on the worker it names the bundle, not the original file.',
} as const;
