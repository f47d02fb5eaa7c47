/**
 * A script's syntax: its tree, its scopes, and an index of everything that can be a function at run time.
 *
 * What runs is always JavaScript, whatever the user wrote, so acorn and eslint-scope are enough.
 */
import { createRequire } from 'node:module';
import type { Scope, ScopeManager } from 'eslint-scope';
import type * as ESTree from 'estree';
import { ShipProblem } from './ship-errors.ts';

const require = createRequire(import.meta.url);

/** A node with its place in the text, as acorn makes them. */
export type Node<Kind extends ESTree.Node = ESTree.Node> = Kind & { readonly start: number; readonly end: number };

export type FunctionNode = ESTree.FunctionExpression | ESTree.FunctionDeclaration | ESTree.ArrowFunctionExpression;
export type ClassNode = ESTree.ClassExpression | ESTree.ClassDeclaration;

/** One place in the text that makes functions or classes at run time. */
export interface FunctionSite {
  readonly script: ParsedScript;
  readonly node: Node<FunctionNode | ClassNode | ESTree.Expression>;
  /** An initialiser is the right side of a module-level const that is evaluated again on the worker. */
  readonly kind: 'arrow' | 'function' | 'method' | 'class' | 'initialiser';
  /** Where `Function.prototype.toString` begins and ends; a method's begins at its name. */
  readonly start: number;
  readonly end: number;
  /** The property or class element whose method this is. */
  readonly member: Node<ESTree.Property | ESTree.MethodDefinition> | undefined;
}

export interface ParsedScript {
  readonly text: string;
  readonly isModule: boolean;
  readonly program: Node<ESTree.Program>;
  readonly scopes: ScopeManager;
  /** Scopes that are entered once in the life of the script: the module's own and wrappers that tools put around it. */
  readonly topLevel: ReadonlySet<Scope>;
  /** The site whose function has this text and spans this offset. */
  locate(offset: number, functionText: string): FunctionSite | undefined;
  /** The innermost site that spans this offset. */
  around(offset: number): FunctionSite | undefined;
  siteOf(node: ESTree.Node): FunctionSite | undefined;
  /** The nearest enclosing function, class, class element, loop or program. */
  enclosing(node: ESTree.Node): ESTree.Node | undefined;
}

/** @throws ShipProblem `SHIP_NO_SOURCE` when the text is no JavaScript that acorn knows. */
export function parseScript(text: string, isModule: boolean): ParsedScript {
  const acorn = require('acorn') as typeof import('acorn');
  const { analyze } = require('eslint-scope') as typeof import('eslint-scope');
  let program: Node<ESTree.Program>;
  try {
    program = acorn.parse(text, {
      ecmaVersion: 'latest',
      sourceType: isModule ? 'module' : 'commonjs',
      ranges: true,
      allowHashBang: true,
      allowAwaitOutsideFunction: isModule,
    }) as unknown as Node<ESTree.Program>;
  } catch (cause) {
    throw new ShipProblem('SHIP_NO_SOURCE', `the script it is in cannot be parsed (${(cause as Error).message})`, {
      cause,
    });
  }
  const scopes = analyze(program, {
    ecmaVersion: 2025,
    sourceType: isModule ? 'module' : 'commonjs',
    ignoreEval: true,
  });
  return indexScript(text, isModule, program, scopes);
}

/** The tree of a function or class by its own text; `undefined` where acorn does not know it, or it is a method. */
export function parseFunction(text: string): Node<FunctionNode | ClassNode> | undefined {
  const acorn = require('acorn') as typeof import('acorn');
  try {
    const expression = acorn.parseExpressionAt(`(${text})`, 0, {
      ecmaVersion: 'latest',
      allowAwaitOutsideFunction: true,
      // It may name what the class around it declares.
      checkPrivateFields: false,
    }) as unknown as ESTree.Node;
    return isFunctionNode(expression) || isClassNode(expression) ? placed(expression) : undefined;
  } catch {
    return undefined;
  }
}

function indexScript(
  text: string,
  isModule: boolean,
  program: Node<ESTree.Program>,
  scopes: ScopeManager,
): ParsedScript {
  const sites = new Map<ESTree.Node, FunctionSite>();
  const enclosing = new Map<ESTree.Node, ESTree.Node>();
  const script: ParsedScript = {
    text,
    isModule,
    program,
    scopes,
    topLevel: topLevelScopes(program, scopes),
    locate: (offset, functionText) => locate(ordered, text, offset, functionText),
    around: (offset) => around(ordered, offset),
    siteOf: (node) => sites.get(node),
    enclosing: (node) => enclosing.get(node),
  };
  collectSites(script, sites, enclosing);
  const ordered = [...sites.values()].sort((a, b) => a.start - b.start);
  return script;
}

// Own stack: minified bundles nest deeper than the call stack likes.
function collectSites(
  script: ParsedScript,
  sites: Map<ESTree.Node, FunctionSite>,
  enclosing: Map<ESTree.Node, ESTree.Node>,
): void {
  const stack: { node: ESTree.Node; parent: ESTree.Node | undefined; around: ESTree.Node | undefined }[] = [
    { node: script.program, parent: undefined, around: undefined },
  ];
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { node, parent, around } = entry;
    if (isFunctionNode(node) || isClassNode(node))
      sites.set(node, makeSite(script, node as Node<FunctionNode | ClassNode>, parent));
    const matters = isLandmark(node);
    if (matters && around !== undefined) enclosing.set(node, around);
    for (const child of childNodes(node)) stack.push({ node: child, parent: node, around: matters ? node : around });
  }
}

function makeSite(
  script: ParsedScript,
  node: Node<FunctionNode | ClassNode>,
  parent: ESTree.Node | undefined,
): FunctionSite {
  const member = methodOf(node, parent);
  if (member !== undefined)
    return { script, node, kind: 'method', start: methodStart(script.text, member), end: node.end, member };
  const kind = isClassNode(node) ? 'class' : node.type === 'ArrowFunctionExpression' ? 'arrow' : 'function';
  return { script, node, kind, start: node.start, end: node.end, member: undefined };
}

function methodOf(node: ESTree.Node, parent: ESTree.Node | undefined): FunctionSite['member'] {
  if (parent?.type === 'MethodDefinition' && parent.value === node) return parent as Node<ESTree.MethodDefinition>;
  if (parent?.type === 'Property' && parent.value === node && (parent.method || parent.kind !== 'init')) {
    return parent as Node<ESTree.Property>;
  }
  return undefined;
}

/** V8's text of a static method leaves `static` out. */
function methodStart(text: string, member: Node<ESTree.Property | ESTree.MethodDefinition>): number {
  if (member.type !== 'MethodDefinition' || !member.static) return member.start;
  const afterStatic = /^static(?:\s|\/\*[^]*?\*\/|\/\/.*)*/.exec(text.slice(member.start, member.value.range?.[1]));
  return member.start + (afterStatic?.[0].length ?? 0);
}

function locate(
  ordered: readonly FunctionSite[],
  text: string,
  offset: number,
  functionText: string,
): FunctionSite | undefined {
  for (let index = lastStartingBy(ordered, offset); index >= 0; index -= 1) {
    const site = ordered[index] as FunctionSite;
    const fits = site.end >= offset && site.end - site.start === functionText.length;
    if (fits && text.startsWith(functionText, site.start)) return site;
  }
  return undefined;
}

function around(ordered: readonly FunctionSite[], offset: number): FunctionSite | undefined {
  for (let index = lastStartingBy(ordered, offset); index >= 0; index -= 1) {
    const site = ordered[index] as FunctionSite;
    if (site.end > offset) return site;
  }
  return undefined;
}

/** Index of the last site that starts at or before an offset; -1 for none. */
function lastStartingBy(ordered: readonly FunctionSite[], offset: number): number {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ordered[middle] as FunctionSite).start <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * The module's own scopes, and those of wrappers around the whole file (tsx's and bundlers' immediately invoked
 * functions, vitest's module function): bindings in them exist once.
 */
function topLevelScopes(program: ESTree.Program, scopes: ScopeManager): Set<Scope> {
  const result = new Set<Scope>(scopes.scopes.filter((scope) => scope.block === program));
  let body: readonly ESTree.Node[] = program.body;
  for (;;) {
    const wrapper = wrapperFunction(body);
    if (wrapper === undefined) return result;
    for (const scope of scopes.scopes) if (scope.block === wrapper || scope.block === wrapper.body) result.add(scope);
    if (wrapper.body.type !== 'BlockStatement') return result;
    body = wrapper.body.body;
    const only = body.filter((node) => !isDirective(node));
    const [block] = only;
    // vitest: `{ … }` around the module's statements, inside the wrapper function.
    if (only.length === 1 && block?.type === 'BlockStatement') {
      for (const scope of scopes.scopes) if (scope.block === block) result.add(scope);
      body = block.body;
    }
  }
}

function wrapperFunction(body: readonly ESTree.Node[]): FunctionNode | undefined {
  const statements = body.filter((node) => !isDirective(node) && node.type !== 'EmptyStatement' && !setsFilename(node));
  const [only] = statements;
  if (statements.length !== 1 || only?.type !== 'ExpressionStatement') return undefined;
  let expression: ESTree.Node = only.expression;
  if (expression.type === 'UnaryExpression' || expression.type === 'AwaitExpression') expression = expression.argument;
  if (expression.type === 'CallExpression') expression = expression.callee;
  if (expression.type === 'MemberExpression' && expression.object.type !== 'Super') expression = expression.object;
  return isFunctionNode(expression) ? expression : undefined;
}

/** tsx puts `__filename = "…";` before its wrapper. */
const setsFilename = (node: ESTree.Node): boolean =>
  node.type === 'ExpressionStatement' &&
  node.expression.type === 'AssignmentExpression' &&
  node.expression.left.type === 'Identifier' &&
  node.expression.left.name === '__filename';

const isDirective = (node: ESTree.Node): boolean => node.type === 'ExpressionStatement' && 'directive' in node;

export const isFunctionNode = (node: ESTree.Node): node is FunctionNode =>
  node.type === 'FunctionExpression' || node.type === 'FunctionDeclaration' || node.type === 'ArrowFunctionExpression';

export const isClassNode = (node: ESTree.Node): node is ClassNode =>
  node.type === 'ClassExpression' || node.type === 'ClassDeclaration';

export const isLoop = (node: ESTree.Node): boolean => /^(?:For(?:In|Of)?|While|DoWhile)Statement$/.test(node.type);

const isLandmark = (node: ESTree.Node): boolean =>
  isFunctionNode(node) ||
  isClassNode(node) ||
  isLoop(node) ||
  node.type === 'PropertyDefinition' ||
  node.type === 'StaticBlock' ||
  node.type === 'Program';

/** The direct children of a node, in source order where it matters. */
export function* childNodes(node: ESTree.Node): Generator<ESTree.Node> {
  for (const key in node) {
    if (key === 'type' || key === 'start' || key === 'end' || key === 'range') continue;
    const value = (node as unknown as Record<string, unknown>)[key];
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) yield item;
    } else if (isNode(value)) yield value;
  }
}

const isNode = (value: unknown): value is ESTree.Node =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

/** Narrows a node to one with offsets; all nodes that acorn made have them. */
export const placed = <Kind extends ESTree.Node>(node: Kind): Node<Kind> => node as Node<Kind>;
