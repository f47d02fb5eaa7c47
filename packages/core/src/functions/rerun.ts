/**
 * Module-level consts made by something imported or built in (`z.object()`, `new S3Client()`, `new Intl.Collator()`):
 * when such a value cannot be copied, its initialiser is evaluated again on the worker.
 */
import { types } from 'node:util';
import type { Variable } from 'eslint-scope';
import type * as ESTree from 'estree';
import { isStandardGlobal } from './built-ins.ts';
import { importStatementOf, variableAt } from './classify.ts';
import { declaratorOf, isReassigned, isSettled } from './free-variables.ts';
import type { FunctionPeek, LiveScope } from './function-peek.ts';
import type { RunningScript } from './script-registry.ts';
import type { ShipErrorCode } from './ship-errors.ts';
import { childNodes, placed, type FunctionSite, type ParsedScript } from './syntax.ts';

/** A value whose initialiser can be evaluated again. */
export interface RerunCandidate {
  readonly name: string;
  /** Where in the value of the variable it is; empty for the value itself. */
  readonly path: readonly string[];
  readonly script: RunningScript;
  readonly site: FunctionSite;
}

interface StaticCandidate {
  readonly variable: Variable;
  /** The way from the variable's value to what was made: `user` in `const schemas = { user: z.object({ … }) }`. */
  readonly path: readonly string[];
  readonly site: FunctionSite;
}

const staticCandidates = new WeakMap<ParsedScript, readonly StaticCandidate[]>();

/** By closure, the candidates that can never hold anything else: they need not be looked up again. */
const settledCandidates = new WeakMap<object, ReadonlyMap<object, RerunCandidate>>();

/** The candidates of a script, by the values they hold now, as a closure of that script sees them. */
export function rerunCandidates(
  script: RunningScript,
  closure: object,
  peek: FunctionPeek,
): ReadonlyMap<object, RerunCandidate> {
  const settled = settledCandidates.get(closure);
  if (settled !== undefined) return settled;
  const { parsed } = script;
  let found = staticCandidates.get(parsed);
  if (found === undefined) {
    found = findCandidates(parsed, script.file);
    staticCandidates.set(parsed, found);
  }
  const byValue = new Map<object, RerunCandidate>();
  let areSettled = true;
  for (const { variable, path, site } of found) {
    const binding = topLevelBinding(variable.name, peek.scopes);
    // V8 keeps no variable that only the top of the script uses.
    if (binding === undefined) continue;
    const value = memberOf(binding.value, path);
    areSettled &&= value !== undefined && isSettled(variable, parsed);
    if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
      byValue.set(value, { name: [variable.name, ...path].join('.'), path, script, site });
    }
  }
  if (areSettled) settledCandidates.set(closure, byValue);
  return byValue;
}

function findCandidates(parsed: ParsedScript, file: string | undefined): StaticCandidate[] {
  const result: StaticCandidate[] = [];
  for (const scope of parsed.topLevel) {
    for (const variable of scope.variables) {
      const site = candidateSite(variable, parsed, file);
      if (site !== undefined) result.push({ variable, path: [], site });
      else result.push(...membersOf(variable, parsed, file));
    }
  }
  return result;
}

/** What was made within an object literal. */
function membersOf(variable: Variable, parsed: ParsedScript, file: string | undefined): StaticCandidate[] {
  const declarator = declaratorOf(variable)?.declarator;
  if (declarator?.id.type !== 'Identifier' || !declarator.init || isReassigned(variable)) return [];
  const result: StaticCandidate[] = [];
  const stack: { node: ESTree.Node; path: readonly string[] }[] = [{ node: declarator.init, path: [] }];
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { node, path } = entry;
    if (node.type === 'ObjectExpression') {
      for (const property of node.properties) {
        const key = property.type === 'Property' && !property.computed ? literalKey(property.key) : undefined;
        if (property.type === 'Property' && key !== undefined)
          stack.push({ node: property.value, path: [...path, key] });
      }
    } else if (path.length > 0 && makesSomething(node) && isRootedElsewhere(node, parsed, file)) {
      result.push({ variable, path, site: initialiserSite(node, parsed) });
    }
  }
  return result;
}

function literalKey(key: ESTree.Node): string | undefined {
  if (key.type === 'Identifier') return key.name;
  return key.type === 'Literal' ? String(key.value) : undefined;
}

/**
 * Whether a member of an object may be another than its initialiser makes: because the file assigns to a member of that
 * name, or because its state moves on by itself.
 */
export const mayBeReplaced = ({ path, site }: RerunCandidate, refusal: ShipErrorCode): boolean =>
  path.some((key) => {
    if (refusal === 'SHIP_PROMISE' || refusal === 'SHIP_ITERATOR') return true;
    const name = key.replaceAll(/\W/g, String.raw`\$&`);
    const assignment = `(?:\\.\\s*|\\[\\s*["'\`])${name}["'\`]?\\]?\\s*[-+*/%&|^?<>]{0,3}=(?![=>])`;
    return new RegExp(assignment).test(site.script.text);
  });

/** A member as it is now, without running getters; `undefined` where there is none. */
function memberOf(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || types.isProxy(value)) return undefined;
    value = Object.getOwnPropertyDescriptor(value, key)?.value;
  }
  return value;
}

const initialiserSite = (init: ESTree.Node, script: ParsedScript): FunctionSite => {
  const node = placed(init as FunctionSite['node']);
  return { script, node, kind: 'initialiser', start: node.start, end: node.end, member: undefined };
};

function candidateSite(variable: Variable, parsed: ParsedScript, file: string | undefined): FunctionSite | undefined {
  const declarator = declaratorOf(variable)?.declarator;
  if (declarator?.id.type !== 'Identifier' || !declarator.init || isReassigned(variable)) return undefined;
  const node = placed(declarator.init);
  return makesSomething(node) && isRootedElsewhere(node, parsed, file) ? initialiserSite(node, parsed) : undefined;
}

const makesSomething = (node: ESTree.Node): boolean =>
  node.type === 'CallExpression' || node.type === 'NewExpression' || node.type === 'TaggedTemplateExpression';

/** Whether the chain of calls and members begins at an import, a built-in, or another candidate. */
function isRootedElsewhere(start: ESTree.Node, parsed: ParsedScript, file: string | undefined): boolean {
  let node: ESTree.Node | undefined = start;
  while (node !== undefined && node.type !== 'Identifier') node = towardsRoot(node);
  if (node === undefined) return false;
  const variable = variableAt(node, parsed);
  if (variable === undefined) return isStandardGlobal(node.name) || node.name === 'require';
  if (importStatementOf(variable, parsed, file) !== undefined) return true;
  return parsed.topLevel.has(variable.scope) && candidateSite(variable, parsed, file) !== undefined;
}

function towardsRoot(node: ESTree.Node): ESTree.Node | undefined {
  switch (node.type) {
    case 'CallExpression':
    case 'NewExpression':
      return node.callee;
    case 'MemberExpression':
      return node.object;
    case 'TaggedTemplateExpression':
      return node.tag;
    case 'SequenceExpression':
      return node.expressions.at(-1);
    default:
      return undefined;
  }
}

/**
 * The site of a module-level const that only other initialisers use, and that V8 therefore does not keep: when it is
 * nothing but literals it can be made again. Anything else could differ on the worker.
 */
export function literalSite(variable: Variable, parsed: ParsedScript): FunctionSite | undefined {
  const declarator = declaratorOf(variable)?.declarator;
  if (declarator?.id.type !== 'Identifier' || !declarator.init || isReassigned(variable) || !isLiteral(declarator.init))
    return undefined;
  return initialiserSite(declarator.init, parsed);
}

function isLiteral(node: ESTree.Node): boolean {
  switch (node.type) {
    case 'Literal':
      return true;
    case 'TemplateLiteral':
    case 'ArrayExpression':
    case 'ObjectExpression':
    case 'UnaryExpression':
    case 'TemplateElement':
      return [...childNodes(node)].every(isLiteral);
    case 'Property':
      return !node.computed && node.kind === 'init' && !node.method && !node.shorthand && isLiteral(node.value);
    default:
      return false;
  }
}

/** A variable as it is now, `undefined` while it is not initialised; nothing where V8 does not show it. */
function topLevelBinding(name: string, scopes: readonly LiveScope[]): { readonly value: unknown } | undefined {
  for (let index = scopes.length - 1; index >= 0; index -= 1) {
    const scope = scopes[index] as LiveScope;
    if (scope.kind === 'global') continue;
    if (!Object.hasOwn(scope.variables, name)) continue;
    try {
      return { value: scope.variables[name] };
    } catch {
      // Nobody can hold its value yet.
      return { value: undefined };
    }
  }
  return undefined;
}
