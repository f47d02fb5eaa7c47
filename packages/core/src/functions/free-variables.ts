/**
 * What a function's text takes from around it: variables, `this`, `arguments`, `super`, `#private` names. Static: the
 * same for every closure made at one site, so it is worked out once per site.
 */
import type { Reference, Variable } from 'eslint-scope';
import type * as ESTree from 'estree';
import {
  childNodes,
  isClassNode,
  isFunctionNode,
  placed,
  type FunctionSite,
  type Node,
  type ParsedScript,
} from './syntax.ts';

export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** A variable that the function uses and something outside of it declares, or nobody. */
export interface FreeVariable {
  readonly name: string;
  /** Its declaration in the same script; `undefined` for globals and names that nobody declares. */
  readonly variable: Variable | undefined;
  /** Where it is named within the function. */
  readonly uses: readonly TextRange[];
  /** Whether this function itself assigns to it. */
  readonly written: boolean;
}

export interface SiteAnalysis {
  readonly variables: readonly FreeVariable[];
  /** Uses of a `this` that an enclosing function provides. */
  readonly outerThis: readonly TextRange[];
  readonly outerNewTarget: boolean;
  readonly outerSuper: boolean;
  /** `#names` that an enclosing class declares. */
  readonly outerPrivateNames: readonly string[];
  /** Who provides the outer `this`: a function, a class field, a static block; `undefined`: the top of the script. */
  readonly thisProvider: ESTree.Node | undefined;
  /** Nodes that behave differently on a worker; each gives one warning. */
  readonly hazards: readonly Hazard[];
  /** Shorthand properties (`{ count }`) and bare callees (`count()`) among the uses: rewriting must spell them out. */
  readonly shorthands: ReadonlySet<number>;
  readonly callees: ReadonlySet<number>;
  /** Ranges of the text that are cut out or replaced when a class is rebuilt. */
  readonly rebuilt: readonly TextRange[];
}

export type Hazard =
  'computed-import' | 'computed-require' | 'direct-eval' | 'import-meta' | 'own-module' | 'own-place';

const analyses = new WeakMap<FunctionSite, SiteAnalysis>();

export function analyseSite(site: FunctionSite): SiteAnalysis {
  let analysis = analyses.get(site);
  if (analysis === undefined) {
    analysis = analyse(site);
    analyses.set(site, analysis);
  }
  return analysis;
}

function analyse(site: FunctionSite): SiteAnalysis {
  const rebuilt = site.kind === 'class' ? rebuiltRanges(site.node as ESTree.Class) : [];
  const survey = surveyText(site, rebuilt);
  const variables = groupReferences(outerReferences(site), rebuilt);
  return {
    ...survey,
    hazards: [...survey.hazards, ...variables.flatMap((variable) => hazardOf(variable, site.script.text))],
    rebuilt,
    variables,
    thisProvider: thisProviderOf(site),
  };
}

/** CommonJS's `__dirname` and `__filename`, and vite's `import.meta`: parameters of a wrapper, not the user's own. */
function hazardOf({ name, variable, uses }: FreeVariable, text: string): Hazard[] {
  if (variable !== undefined && variable.defs[0]?.type !== 'Parameter') return [];
  const isFollowed = (use: TextRange, expected: RegExp): boolean => expected.test(text.slice(use.end, use.end + 300));
  const isNodes = variable === undefined;
  if (isNodes && name === 'module' && uses.some((use) => !isFollowed(use, /^\s*\.\s*exports\s*\./)))
    return ['own-module'];
  if (isNodes && name === 'require' && uses.some((use) => isFollowed(use, /^\s*\.\s*main\b/))) return ['own-module'];
  if (name === '__vite_ssr_import_meta__') return ['import-meta'];
  return name === '__dirname' || name === '__filename' ? ['own-place'] : [];
}

function outerReferences(site: FunctionSite): readonly Reference[] {
  if (site.kind !== 'initialiser') return site.script.scopes.acquire(site.node)?.through ?? [];
  const isInside = (node: ESTree.Node): boolean => contains(site, placed(node));
  return site.script.scopes.scopes
    .flatMap((scope) => scope.references)
    .filter(
      ({ identifier, resolved }) =>
        isInside(identifier as ESTree.Identifier) && !(resolved && isInside(resolved.scope.block)),
    );
}

function groupReferences(references: readonly Reference[], excluded: readonly TextRange[]): FreeVariable[] {
  const byName = new Map<string, { variable: Variable | undefined; uses: TextRange[]; written: boolean }>();
  for (const reference of references) {
    const identifier = placed(reference.identifier as ESTree.Identifier);
    if (excluded.some((range) => contains(range, identifier))) continue;
    let entry = byName.get(identifier.name);
    if (entry === undefined) {
      entry = { variable: reference.resolved ?? undefined, uses: [], written: false };
      byName.set(identifier.name, entry);
    }
    entry.uses.push({ start: identifier.start, end: identifier.end });
    entry.written ||= reference.isWrite();
  }
  return [...byName].map(([name, entry]) => ({ name, ...entry, uses: uniqueRanges(entry.uses) }));
}

// `x += 1` and default values make two references at one place.
function uniqueRanges(ranges: readonly TextRange[]): TextRange[] {
  return [...new Map(ranges.map((range) => [range.start, range])).values()].sort((a, b) => a.start - b.start);
}

export const contains = (outer: TextRange, inner: TextRange): boolean =>
  outer.start <= inner.start && inner.end <= outer.end;

/** The parts of a class that are not evaluated again: its base, computed keys, static initialisers. */
function rebuiltRanges(node: ESTree.Class): TextRange[] {
  const ranges: TextRange[] = [];
  if (node.superClass) ranges.push(placed(node.superClass));
  for (const element of node.body.body) {
    if (element.type === 'StaticBlock') {
      ranges.push(placed(element));
      continue;
    }
    if (element.computed) ranges.push(placed(element.key));
    if (element.type === 'PropertyDefinition' && element.static && element.value) ranges.push(placed(element.value));
  }
  return ranges;
}

type Survey = Omit<SiteAnalysis, 'variables' | 'thisProvider' | 'rebuilt'>;

interface SurveyFrame {
  readonly node: ESTree.Node;
  /** Whether `this`, `super` and `new.target` here are those of outside the site. */
  readonly outerThis: boolean;
  readonly outerSuper: boolean;
  readonly outerNewTarget: boolean;
  readonly privateNames: ReadonlySet<string>;
}

function surveyText(site: FunctionSite, rebuilt: readonly TextRange[]): Survey {
  const result = {
    outerThis: [] as TextRange[],
    outerNewTarget: false,
    outerSuper: false,
    outerPrivateNames: [] as string[],
    hazards: [] as Hazard[],
    shorthands: new Set<number>(),
    callees: new Set<number>(),
  };
  const isArrow = site.kind === 'arrow' || site.kind === 'initialiser';
  // A lone method loses the object that its `super` starts from, so its own `super` counts as outer as well.
  const root: SurveyFrame = {
    node: site.node,
    outerThis: isArrow,
    outerSuper: site.kind !== 'class',
    outerNewTarget: isArrow,
    privateNames: new Set(),
  };
  const stack: SurveyFrame[] = [root];
  for (let frame = stack.pop(); frame !== undefined; frame = stack.pop()) {
    const { node } = frame;
    if (rebuilt.some((range) => contains(range, placed(node)))) continue;
    noteNode(node, frame, result);
    for (const child of childNodes(node)) stack.push(enter(child, node, frame, node === site.node));
  }
  return result;
}

function noteNode(
  node: ESTree.Node,
  frame: SurveyFrame,
  result: { -readonly [Key in keyof Survey]: Survey[Key] },
): void {
  const { start, end } = placed(node);
  switch (node.type) {
    case 'ThisExpression':
      if (frame.outerThis) (result.outerThis as TextRange[]).push({ start, end });
      break;
    case 'Super':
      if (frame.outerSuper) result.outerSuper = true;
      break;
    case 'MetaProperty':
      if (node.meta.name === 'import') (result.hazards as Hazard[]).push('import-meta');
      else if (frame.outerNewTarget) result.outerNewTarget = true;
      break;
    case 'PrivateIdentifier':
      if (!frame.privateNames.has(node.name)) (result.outerPrivateNames as string[]).push(`#${node.name}`);
      break;
    case 'Property':
      if (node.shorthand) (result.shorthands as Set<number>).add(start);
      break;
    case 'TaggedTemplateExpression':
      (result.callees as Set<number>).add(placed(node.tag).start);
      break;
    case 'CallExpression':
      (result.callees as Set<number>).add(placed(node.callee).start);
      noteCall(node, result.hazards as Hazard[]);
      break;
    case 'ImportExpression':
      if (!isConstantText(node.source)) (result.hazards as Hazard[]).push('computed-import');
      break;
    default:
  }
}

function noteCall(node: ESTree.SimpleCallExpression, hazards: Hazard[]): void {
  if (node.callee.type !== 'Identifier') return;
  if (node.callee.name === 'eval') hazards.push('direct-eval');
  const [argument] = node.arguments;
  if (argument === undefined || isConstantText(argument)) return;
  if (node.callee.name === 'require') hazards.push('computed-require');
  // As vite writes import().
  if (node.callee.name === '__vite_ssr_dynamic_import__') hazards.push('computed-import');
}

export const isConstantText = (node: ESTree.Node): boolean =>
  (node.type === 'Literal' && typeof node.value === 'string') ||
  (node.type === 'TemplateLiteral' && node.expressions.length === 0);

/** What changes on the way from a node to its child. */
function enter(child: ESTree.Node, node: ESTree.Node, frame: SurveyFrame, atRoot: boolean): SurveyFrame {
  if (isClassNode(node) && child.type === 'ClassBody') {
    return { ...frame, node: child, privateNames: new Set([...frame.privateNames, ...declaredPrivateNames(child)]) };
  }
  if (node.type === 'PropertyDefinition' && child === node.value) {
    return {
      node: child,
      outerThis: false,
      outerSuper: false,
      outerNewTarget: false,
      privateNames: frame.privateNames,
    };
  }
  if (node.type === 'StaticBlock') {
    return {
      node: child,
      outerThis: false,
      outerSuper: false,
      outerNewTarget: false,
      privateNames: frame.privateNames,
    };
  }
  if (atRoot || !isFunctionNode(node) || node.type === 'ArrowFunctionExpression') return { ...frame, node: child };
  // Inside a nested ordinary function. Only methods may name `super`, and those belong to an object within the text.
  return { node: child, outerThis: false, outerSuper: false, outerNewTarget: false, privateNames: frame.privateNames };
}

function declaredPrivateNames(body: ESTree.ClassBody): string[] {
  return body.body.flatMap((element) =>
    element.type !== 'StaticBlock' && element.key.type === 'PrivateIdentifier' ? [element.key.name] : [],
  );
}

function thisProviderOf(site: FunctionSite): ESTree.Node | undefined {
  let node: ESTree.Node | undefined = site.script.enclosing(site.node);
  for (; node !== undefined && node.type !== 'Program'; node = site.script.enclosing(node)) {
    const provides =
      (isFunctionNode(node) && node.type !== 'ArrowFunctionExpression') ||
      node.type === 'PropertyDefinition' ||
      node.type === 'StaticBlock';
    if (provides) return node;
  }
  return undefined;
}

/** Whether any code assigns to a variable after it was initialised, or declares it twice. */
export function isReassigned(variable: Variable): boolean {
  return (
    variable.defs.length > 1 || variable.references.some((reference) => reference.isWrite() && reference.init !== true)
  );
}

/** Whether a variable that has a value keeps it for good. */
export function isSettled(variable: Variable, script: ParsedScript): boolean {
  const [def] = variable.defs;
  if (def === undefined || isReassigned(variable)) return false;
  if (isConst(variable)) return true;
  // A `var` is declared again in each turn of a loop, sloppy code assigns through `arguments`, an eval to anything.
  const isVar = def.type === 'Variable' && def.parent.kind === 'var';
  return script.isModule && !isVar && !callsEval(script);
}

const evalCallers = new WeakMap<ParsedScript, boolean>();

function callsEval(script: ParsedScript): boolean {
  let calls = evalCallers.get(script);
  if (calls === undefined) {
    calls = script.scopes.globalScope?.through.some(({ identifier }) => identifier.name === 'eval') ?? true;
    evalCallers.set(script, calls);
  }
  return calls;
}

/** Whether a variable is a `const`, so that assigning to it throws. */
export const isConst = (variable: Variable): boolean => {
  const [def] = variable.defs;
  return def?.type === 'Variable' && def.parent.kind === 'const';
};

/** The node that declares a variable, if it is one declarator with a plain name or a pattern. */
export function declaratorOf(
  variable: Variable,
): { declarator: Node<ESTree.VariableDeclarator>; kind: string } | undefined {
  const [def] = variable.defs;
  if (variable.defs.length !== 1 || def?.type !== 'Variable') return undefined;
  return {
    declarator: placed(def.node),
    kind: def.parent.kind,
  };
}
