/**
 * Variables that code assigns to after they were initialised: closures that saw one variable at home must share one on
 * the worker. A cell is that variable.
 *
 * V8 does not show the identity of a scope, only its contents. A binding at the top of a module exists once. Activations
 * of a function with different contents are different; one activation makes one closure at each place in the text unless
 * a loop or an inner function makes more; and two that hold the same object where each would have made its own are the
 * same. What is still open a heap snapshot decides, and where none can be taken the capture is refused.
 */
import type { Variable } from 'eslint-scope';
import { declaratorOf, isReassigned } from './free-variables.ts';
import type { LiveScope } from './function-peek.ts';
import { ShipProblem } from './ship-errors.ts';
import { isFunctionNode, isLoop, type FunctionSite } from './syntax.ts';
import type { RunningScript } from './script-registry.ts';

/** One shared variable, with its value at the capture. */
export class Cell {
  readonly name: string;
  readonly value: unknown;
  /** A `const` that code assigns to: doing so throws. */
  readonly constant: boolean;

  constructor(name: string, value: unknown, constant: boolean) {
    this.name = name;
    this.value = value;
    this.constant = constant;
  }
}

export interface CellRequest {
  /** The closure that uses the variable. */
  readonly fn: object;
  readonly name: string;
  readonly variable: Variable | undefined;
  readonly constant: boolean;
  readonly value: unknown;
  readonly site: FunctionSite;
  readonly script: RunningScript;
  /** The scopes of the closure, innermost first. */
  readonly scopes: readonly LiveScope[];
  /** Which of them has the variable. */
  readonly depth: number;
}

/** Tells for certain which context a closure has at a depth; `undefined` when that cannot be told. */
export type ContextReader = (fn: object, scopes: readonly LiveScope[], depth: number) => number | undefined;

interface Activation {
  readonly contents: ReadonlyMap<string, unknown>;
  readonly context: () => number | undefined;
  readonly sites: Set<FunctionSite>;
  readonly cell: Cell;
}

export class CellTable {
  readonly #single = new Map<string, Cell>();
  readonly #activations = new Map<Variable, Activation[]>();
  readonly #contextOf: ContextReader;

  constructor(contextOf: ContextReader) {
    this.#contextOf = contextOf;
  }

  cellOf(request: CellRequest): Cell {
    const { variable, script, name } = request;
    if (variable === undefined) return this.#singleCell(`:${name}`, request);
    if (script.parsed.topLevel.has(variable.scope)) return this.#singleCell(`${script.id}:${name}`, request);
    return this.#activationCell(variable, request);
  }

  #singleCell(key: string, { name, value, constant }: CellRequest): Cell {
    let cell = this.#single.get(key);
    if (cell === undefined) {
      cell = new Cell(name, value, constant);
      this.#single.set(key, cell);
    }
    return cell;
  }

  #activationCell(variable: Variable, request: CellRequest): Cell {
    const { fn, site, scopes, depth, name, value, constant } = request;
    const activations = this.#activations.get(variable) ?? [];
    this.#activations.set(variable, activations);
    const contents = contentsOf(scopes.slice(depth));
    const once = madeOncePerActivation(site, variable);
    const context = (): number | undefined => this.#contextOf(fn, scopes, depth);
    const alike = activations.filter(
      (activation) => sameContents(activation.contents, contents) && !(once && activation.sites.has(site)),
    );
    const known = holdsItsOwn(variable, contents)
      ? alike[0]
      : alike.find((activation) => isSameContext(activation.context(), context(), name));
    if (known !== undefined) {
      known.sites.add(site);
      return known.cell;
    }
    const cell = new Cell(name, value, constant);
    activations.push({ contents, context, sites: new Set([site]), cell });
    return cell;
  }
}

function isSameContext(left: number | undefined, right: number | undefined, name: string): boolean {
  if (left === undefined || right === undefined) {
    throw new ShipProblem(
      'SHIP_LOST_BINDING',
      `whether its closures share the variable \`${name}\` cannot be told in a process whose heap holds ${Math.round(process.memoryUsage().heapUsed / 1e6)} MB`,
      {
        remedy: 'Declare the variable at module level, or keep it as a property of an object.',
      },
    );
  }
  return left === right;
}

/** Whether the scope holds, under a const, an object that each activation makes for itself. */
function holdsItsOwn({ scope }: Variable, contents: ReadonlyMap<string, unknown>): boolean {
  return scope.variables.some((variable) => {
    const value = contents.get(`0:${variable.name}`);
    const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
    return isObject && !isReassigned(variable) && makesFreshObject(variable);
  });
}

function makesFreshObject(variable: Variable): boolean {
  if (variable.defs[0]?.type === 'FunctionName' || variable.defs[0]?.type === 'ClassName') return true;
  const init = declaratorOf(variable)?.declarator;
  return (
    init?.id.type === 'Identifier' &&
    /^(?:Arrow)?Function|^Class|^(?:Object|Array)Expression$/.test(init.init?.type ?? '')
  );
}

function contentsOf(scopes: readonly LiveScope[]): Map<string, unknown> {
  const contents = new Map<string, unknown>();
  scopes.forEach(({ kind, variables }, depth) => {
    if (kind !== 'function') return;
    for (const name of Object.getOwnPropertyNames(variables)) {
      // `arguments` is a fresh object each time it is asked for.
      if (name !== 'arguments') contents.set(`${depth}:${name}`, readOrNothing(variables, name));
    }
  });
  return contents;
}

const NOT_INITIALISED = Symbol('not initialised');

function readOrNothing(variables: Readonly<Record<string, unknown>>, name: string): unknown {
  try {
    return variables[name];
  } catch {
    return NOT_INITIALISED;
  }
}

function sameContents(left: ReadonlyMap<string, unknown>, right: ReadonlyMap<string, unknown>): boolean {
  if (left.size !== right.size) return false;
  for (const [name, value] of left) if (!right.has(name) || !Object.is(value, right.get(name))) return false;
  return true;
}

/** Whether no loop and no inner function lies between the variable's scope and the place that makes the closure. */
function madeOncePerActivation(site: FunctionSite, variable: Variable): boolean {
  const home = variable.scope.block;
  for (
    let node = site.script.enclosing(site.node);
    node !== undefined && node !== home;
    node = site.script.enclosing(node)
  ) {
    if (isLoop(node)) return isWithin(home, node);
    if (isFunctionNode(node)) return isWithin(home, node);
    if (isWithin(home, node)) return true;
  }
  return true;
}

const isWithin = (inner: object, outer: object): boolean => {
  const [a, b] = [inner as { start: number; end: number }, outer as { start: number; end: number }];
  return b.start <= a.start && a.end <= b.end;
};
