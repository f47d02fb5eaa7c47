/**
 * Where each free variable of a function comes from, and so how it travels: imported things by reference, what is
 * declared in the user's file by value, globals not at all.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Variable } from 'eslint-scope';
import type * as ESTree from 'estree';
import { isStandardGlobal } from './built-ins.ts';
import { declaratorOf, isConst, isReassigned, type FreeVariable } from './free-variables.ts';
import { childNodes, placed, type Node, type ParsedScript } from './syntax.ts';

/** How a free variable of a function is provided on the worker. */
export type Origin =
  /** A global, or a name nobody declares: stays as it is. */
  | { readonly kind: 'global' }
  /** Declared by a statement that is copied: an import, or a `require` and what is taken from it. */
  | { readonly kind: 'import'; readonly statement: ImportStatement }
  /** CommonJS's `exports` or `module.exports`: only the members that the function names. */
  | { readonly kind: 'exports'; readonly members: readonly string[] | undefined }
  /** A stand-in for something every module has: vite's for `import()` and `import.meta`, a `createRequire` const for `require`. */
  | { readonly kind: 'renamed'; readonly to: 'import' | 'import.meta' | 'require' }
  /** By value; `shared`: other code may assign to it, so closures must share one variable. */
  | { readonly kind: 'value'; readonly shared: boolean; readonly constant: boolean };

/** A statement copied to the top of the module that the functions of one file travel in. */
export interface ImportStatement {
  readonly code: string;
  /** Where the user wrote it, for the order of evaluation. */
  readonly start: number;
  /** Declared at the top of the script; else within a function, and copied beside the closure. */
  readonly topLevel: boolean;
  /** The one interop helper it calls, by canonical name. */
  readonly helper?: InteropHelper | undefined;
  /** The `await import()` within it, where that may not stand: it goes to the top, and the code names it. */
  readonly hoisted?: AwaitedImport | undefined;
  /** Other imported variables that its expression uses: `const up = _.upperFirst`. */
  readonly uses: readonly Variable[];
}

/** An `await import(source, options)`, as texts. */
export interface AwaitedImport {
  readonly source: string;
  readonly options: string | undefined;
}

export type InteropHelper = 'default' | 'star' | 'toESM';

const INTEROP_HELPERS: Readonly<Record<string, InteropHelper>> = {
  __toESM: 'toESM',
  __importDefault: 'default',
  __importStar: 'star',
  _interop_require_default: 'default',
  _interopRequireDefault: 'default',
  _interop_require_wildcard: 'star',
  _interopRequireWildcard: 'star',
};

export function classify(free: FreeVariable, script: ParsedScript, file: string | undefined): Origin {
  const { variable, name } = free;
  if (variable === undefined) return classifyUndeclared(free, script);
  if (isViteParameter(variable, script)) return classifyViteParameter(free, script);
  const statement = importStatementOf(variable, script, file);
  if (statement !== undefined) return { kind: 'import', statement };
  if (holdsCreatedRequire(variable, script)) return { kind: 'renamed', to: 'require' };
  if (name === 'exports' && !script.isModule && variable.defs.length === 0) return exportsOrigin(free, script);
  return { kind: 'value', shared: isReassigned(variable), constant: isConst(variable) };
}

function classifyUndeclared(free: FreeVariable, script: ParsedScript): Origin {
  if (free.name === 'exports' && !script.isModule) return exportsOrigin(free, script);
  if (free.name === 'module' && !script.isModule) {
    // Any other use of it, such as `require.main === module`, is about the program itself.
    const origin = exportsOrigin(free, script);
    return origin.members === undefined ? { kind: 'global' } : origin;
  }
  const isFree = isStandardGlobal(free.name) || ['require', 'module', '__filename', '__dirname'].includes(free.name);
  // Of the rest some are the user's own globals or, in the REPL, variables of earlier lines; the capture looks.
  return isFree ? { kind: 'global' } : { kind: 'value', shared: free.written, constant: false };
}

const VITE_PARAMETER = /^__vite_ssr_(?:import_meta__|dynamic_import__|import__|exports__)$/;

/** What vitest gives every module, as Node does CommonJS. */
const COMMONJS_PARAMETERS = new Set(['exports', 'require', 'module', '__filename', '__dirname']);

const isViteParameter = (variable: Variable, script: ParsedScript): boolean =>
  (VITE_PARAMETER.test(variable.name) || COMMONJS_PARAMETERS.has(variable.name)) &&
  variable.defs[0]?.type === 'Parameter' &&
  script.topLevel.has(variable.scope) &&
  variable.scope.set.has('__vite_ssr_import__');

function classifyViteParameter(free: FreeVariable, script: ParsedScript): Origin {
  if (free.name === '__vite_ssr_dynamic_import__') return { kind: 'renamed', to: 'import' };
  if (free.name === '__vite_ssr_import_meta__') return { kind: 'renamed', to: 'import.meta' };
  return free.name === 'exports' ? exportsOrigin(free, script) : { kind: 'global' };
}

function exportsOrigin(free: FreeVariable, script: ParsedScript): Extract<Origin, { kind: 'exports' }> {
  const members = new Set<string>();
  for (const use of free.uses) {
    // `exports.total` and nothing more: tsc and Babel write just that for exported variables.
    const member = exportsMemberAt(free.name, script.text, use.end);
    if (member === undefined) return { kind: 'exports', members: undefined };
    members.add(member.name);
  }
  return { kind: 'exports', members: [...members] };
}

/** The member that is named after `exports`, or after `module` with `.exports`, and where its name ends. */
export function exportsMemberAt(root: string, text: string, at: number): { name: string; end: number } | undefined {
  const after = text.slice(at, at + 300);
  const through = root === 'module' ? (/^\s*\.\s*exports/.exec(after)?.[0] ?? ' ') : '';
  const match = /^\s*\.\s*([\p{ID_Start}$_][\p{ID_Continue}$]*)/u.exec(after.slice(through.length));
  if (through === ' ' || match === null) return undefined;
  return { name: match[1] as string, end: at + through.length + match[0].length };
}

/** The statement that brings an imported variable; `undefined` when it holds anything else. */
export function importStatementOf(
  variable: Variable,
  script: ParsedScript,
  file: string | undefined,
): ImportStatement | undefined {
  const [def] = variable.defs;
  if (def === undefined || variable.defs.length !== 1) return undefined;
  const topLevel = script.topLevel.has(variable.scope);
  if (def.type === 'ImportBinding') {
    const declaration = placed(def.parent);
    const specifier = def.node;
    return {
      code: importCode(specifier, declaration, script.text),
      start: placed(specifier).start,
      topLevel,
      uses: [],
    };
  }
  const declared = declaratorOf(variable);
  const { declarator } = declared ?? {};
  if (declarator?.init === undefined || declarator.init === null || isReassigned(variable)) return undefined;
  return requireStatement(declarator, script, file, topLevel);
}

function importCode(
  specifier: ESTree.ImportSpecifier | ESTree.ImportDefaultSpecifier | ESTree.ImportNamespaceSpecifier,
  declaration: Node<ESTree.ImportDeclaration>,
  text: string,
): string {
  const source = placed(declaration.source);
  // From the specifier's end on: the source and the import attributes, as they stand.
  const tail = text.slice(source.start, declaration.end).replace(/;?\s*$/, ';');
  const { name } = specifier.local;
  if (specifier.type === 'ImportDefaultSpecifier') return `import ${name} from ${tail}`;
  if (specifier.type === 'ImportNamespaceSpecifier') return `import * as ${name} from ${tail}`;
  const imported =
    specifier.imported.type === 'Identifier' ? specifier.imported.name : JSON.stringify(specifier.imported.value);
  return `import { ${imported === name ? name : `${imported} as ${name}`} } from ${tail}`;
}

interface RequireChain {
  /** What the worker evaluates. */
  readonly code: string;
  /** A whole module: can be an `import * as`, which keeps unused exports out of the bundle. */
  readonly namespaceOf: string | undefined;
  readonly awaited?: AwaitedImport | undefined;
  readonly helper?: InteropHelper | undefined;
  readonly uses: readonly Variable[];
}

function requireStatement(
  declarator: Node<ESTree.VariableDeclarator>,
  script: ParsedScript,
  file: string | undefined,
  topLevel: boolean,
): ImportStatement | undefined {
  const pattern = placed(declarator.id);
  if (!isPlainPattern(pattern)) return undefined;
  const init = placed(declarator.init as ESTree.Expression);
  // `const { Pool } = pg`
  const taken = pattern.type === 'ObjectPattern' ? importedIdentifier(init, script, file) : undefined;
  const chain = taken ?? requireChain(init, script, file);
  if (chain === undefined) return undefined;
  const common = { start: declarator.start, topLevel, helper: chain.helper, uses: chain.uses };
  if (pattern.type === 'Identifier' && chain.namespaceOf !== undefined && topLevel) {
    return { ...common, code: `import * as ${pattern.name} from ${chain.namespaceOf};` };
  }
  const code = `const ${script.text.slice(pattern.start, pattern.end)} = ${chain.code};`;
  if (chain.awaited === undefined || topLevel) return { ...common, code };
  return { ...common, code: code.replace(awaitCode(chain.awaited), HOISTED_PLACEHOLDER), hoisted: chain.awaited };
}

const awaitCode = ({ source, options }: AwaitedImport): string =>
  `await import(${source}${options === undefined ? '' : `, ${options}`})`;

/** A pattern of plain names: no defaults, no computed keys, which could use variables of their own. */
function isPlainPattern(pattern: ESTree.Node): boolean {
  if (pattern.type === 'AssignmentPattern' || (pattern.type === 'Property' && pattern.computed)) return false;
  return [...childNodes(pattern)].every(isPlainPattern);
}

function requireChain(
  node: Node<ESTree.Expression>,
  script: ParsedScript,
  file: string | undefined,
): RequireChain | undefined {
  const { text } = script;
  switch (node.type) {
    case 'AwaitExpression':
      return awaitedImport(node.argument, text, file);
    case 'MemberExpression': {
      if (node.object.type === 'Super' || (node.computed && node.property.type !== 'Literal')) return undefined;
      const object = requireChain(placed(node.object), script, file) ?? importedIdentifier(node.object, script, file);
      const access = node.computed
        ? `[${(node.property as ESTree.SimpleLiteral).raw}]`
        : `.${(node.property as ESTree.Identifier).name}`;
      return object === undefined
        ? undefined
        : { ...object, code: `(${object.code})${access}`, namespaceOf: undefined };
    }
    case 'CallExpression':
      return requireCall(node, script, file);
    default:
      return undefined;
  }
}

/** `await import('lit')`, vite's `await __vite_ssr_import__('lit', …)`. */
function awaitedImport(node: ESTree.Node, text: string, file: string | undefined): RequireChain | undefined {
  if (node.type === 'ImportExpression') {
    const source = placed(node.source);
    if (source.type !== 'Literal' || typeof source.value !== 'string') return undefined;
    const literal = text.slice(source.start, source.end);
    const options = node.options ? placed(node.options) : undefined;
    return awaitedChain(literal, options === undefined ? undefined : text.slice(options.start, options.end));
  }
  const [argument] = node.type === 'CallExpression' ? node.arguments : [];
  const isVite =
    node.type === 'CallExpression' &&
    node.callee.type === 'Identifier' &&
    /^__(?:vite_ssr|vi)_(?:dynamic_)?import__$/.test(node.callee.name);
  if (!isVite || argument?.type !== 'Literal' || typeof argument.value !== 'string') return undefined;
  return awaitedChain(JSON.stringify(viteSpecifier(argument.value, file)), undefined);
}

function awaitedChain(source: string, options: string | undefined): RequireChain {
  const awaited = { source, options };
  return { code: awaitCode(awaited), namespaceOf: options === undefined ? source : undefined, awaited, uses: [] };
}

function requireCall(
  node: ESTree.SimpleCallExpression,
  script: ParsedScript,
  file: string | undefined,
): RequireChain | undefined {
  const [argument] = node.arguments;
  if (argument === undefined) return undefined;
  const callee = plainCallee(node.callee);
  if (callee?.type === 'Identifier' && callee.name in INTEROP_HELPERS) {
    const inner = argument.type === 'SpreadElement' ? undefined : requireChain(placed(argument), script, file);
    const helper = INTEROP_HELPERS[callee.name] as InteropHelper;
    if (inner === undefined || inner.helper !== undefined) return undefined;
    const nodeMode = helper === 'toESM' && node.arguments.length > 1 ? ', 1' : '';
    return {
      code: `${HELPER_PLACEHOLDER}(${inner.code}${nodeMode})`,
      namespaceOf: undefined,
      helper,
      awaited: inner.awaited,
      uses: inner.uses,
    };
  }
  if (argument.type !== 'Literal' || typeof argument.value !== 'string') return undefined;
  if (callee?.type === 'Identifier' && isRequire(callee, script)) {
    return { code: `require(${JSON.stringify(argument.value)})`, namespaceOf: undefined, uses: [] };
  }
  // `createRequire(import.meta.url)('lit')`
  const isCreated = callee?.type === 'CallExpression' && isCreateRequire(callee, script);
  return isCreated
    ? { code: `require(${JSON.stringify(argument.value)})`, namespaceOf: undefined, uses: [] }
    : undefined;
}

/** Stands for the collision-free name of {@link ImportStatement.hoisted} in {@link ImportStatement.code}. */
export const HOISTED_PLACEHOLDER = '\0hoisted';

/** Stands for the helper's collision-free name in {@link ImportStatement.code}. */
export const HELPER_PLACEHOLDER = '\0helper';

/** `(0, f)` is `f`. */
function plainCallee(callee: ESTree.Expression | ESTree.Super): ESTree.Expression | undefined {
  if (callee.type === 'Super') return undefined;
  return callee.type === 'SequenceExpression' ? callee.expressions.at(-1) : callee;
}

/** Whether a call is one of Node's `createRequire`, whatever a minifier named it. */
function isCreateRequire(node: ESTree.SimpleCallExpression, script: ParsedScript): boolean {
  const callee = plainCallee(node.callee);
  if (callee?.type === 'MemberExpression')
    return callee.property.type === 'Identifier' && callee.property.name === 'createRequire';
  if (callee?.type !== 'Identifier') return false;
  const imported = variableAt(callee, script)?.defs[0]?.node as ESTree.Node | undefined;
  const isRenamed =
    imported?.type === 'ImportSpecifier' &&
    imported.imported.type === 'Identifier' &&
    imported.imported.name === 'createRequire';
  return isRenamed || callee.name === 'createRequire';
}

/** CommonJS's own `require`, or a const made by `createRequire`. */
function isRequire(identifier: ESTree.Identifier, script: ParsedScript): boolean {
  const variable = variableAt(identifier, script);
  if (variable === undefined || variable.defs.length === 0) return identifier.name === 'require';
  return holdsCreatedRequire(variable, script);
}

function holdsCreatedRequire(variable: Variable, script: ParsedScript): boolean {
  const init = declaratorOf(variable)?.declarator.init;
  return init?.type === 'CallExpression' && isCreateRequire(init, script) && !isReassigned(variable);
}

/** A variable that is itself imported: the root of `_.upperFirst`. */
function importedIdentifier(
  node: ESTree.Expression,
  script: ParsedScript,
  file: string | undefined,
): RequireChain | undefined {
  if (node.type !== 'Identifier') return undefined;
  const variable = variableAt(node, script);
  const statement = variable === undefined ? undefined : importStatementOf(variable, script, file);
  return variable === undefined || statement?.topLevel !== true
    ? undefined
    : { code: node.name, namespaceOf: undefined, uses: [variable] };
}

const referenceIndexes = new WeakMap<ParsedScript, Map<number, Variable | undefined>>();

/** What an identifier in the text refers to. */
export function variableAt(identifier: ESTree.Identifier, script: ParsedScript): Variable | undefined {
  let index = referenceIndexes.get(script);
  if (index === undefined) {
    index = new Map();
    for (const scope of script.scopes.scopes) {
      for (const reference of scope.references) {
        index.set(placed(reference.identifier as ESTree.Identifier).start, reference.resolved ?? undefined);
      }
    }
    referenceIndexes.set(script, index);
  }
  return index.get(placed(identifier).start);
}

/** vite names modules by urls: `/@fs/abs/path`, or from its root, `/src/x.ts`, perhaps with a query. */
export function viteSpecifier(specifier: string, file: string | undefined): string {
  const path = specifier.replace(/[?#].*$/, '');
  if (path.startsWith('/@fs/')) return path.slice(4);
  if (path.startsWith('/@id/')) return path.slice(5);
  return path.startsWith('/') && file !== undefined ? fromViteRoot(path, file) : path;
}

function fromViteRoot(path: string, file: string): string {
  if (existsSync(path)) return path;
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, path))) return join(folder, path);
    if (folder === dirname(folder)) return path;
  }
}
