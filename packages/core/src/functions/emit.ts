/**
 * The code of an artifact, before bundling: one module per user file, with the imports its functions use and a factory
 * for each function. A factory makes the function first and gives it its variables later, so that functions may refer
 * to each other in circles:
 *
 *     () => { let total, rate; return [(x) => x * rate + total, function () { total = arguments[0]; rate = arguments[1]; }]; }
 *
 * Code only: no values, no paths, and nothing of the file that the functions do not name.
 */
import { createHash } from 'node:crypto';
import type * as ESTree from 'estree';
import { classShape } from './class-shape.ts';
import {
  HELPER_PLACEHOLDER,
  HOISTED_PLACEHOLDER,
  importStatementOf,
  type AwaitedImport,
  type ImportStatement,
  type InteropHelper,
} from './classify.ts';
import { contains, type TextRange } from './free-variables.ts';
import type { RunningScript } from './script-registry.ts';
import type { SitePlan } from './site-plan.ts';
import { placed } from './syntax.ts';

/** A piece of emitted text that stands in a script; pieces without an offset are ours. */
export interface Piece {
  readonly text: string;
  readonly offset?: number;
}

export interface EmittedModule {
  readonly script: RunningScript;
  readonly pieces: readonly Piece[];
  readonly code: string;
}

/** The name under which each emitted module exports its factories. */
export const SITES_EXPORT = 'sites';

/** Emits the module for the sites of one script, in a stable order. */
export function emitModule(script: RunningScript, plans: readonly SitePlan[]): EmittedModule {
  const sorted = plans.toSorted((a, b) => a.site.start - b.site.start || (a.id < b.id ? -1 : 1));
  const names = new Names(script.text);
  const statements = topLevelStatements(sorted);
  const table = names.fresh('sites');
  const pieces: Piece[] = [
    ...helperPieces(
      [...statements.values(), ...sorted.flatMap((plan) => plan.imports.map(({ statement }) => statement))],
      names,
    ),
    ...[...statements.values()]
      .toSorted((a, b) => a.start - b.start)
      .map((statement) => ({ text: `${finished(statement, names)}\n` })),
    ...hoistedPieces(sorted, names),
    { text: `const ${table} = {\n` },
    ...sorted.flatMap((plan) => [
      { text: `${JSON.stringify(plan.id)}: ` },
      ...emitFactory(plan, names),
      { text: ',\n' },
    ]),
    { text: `};\nexport { ${table} as ${SITES_EXPORT} };\n` },
  ];
  return { script, pieces, code: pieces.map(({ text }) => text).join('') };
}

/** Names of ours that no identifier of the script can be. */
class Names {
  readonly #prefix: string;

  constructor(text: string) {
    let prefix = '$s';
    for (let suffix = 0; text.includes(prefix); suffix += 1) prefix = `$s${suffix}`;
    this.#prefix = prefix;
  }

  fresh(purpose: string): string {
    return `${this.#prefix}_${purpose.replaceAll(/[^\p{ID_Continue}$]/gu, '_')}`;
  }
}

function topLevelStatements(plans: readonly SitePlan[]): Map<string, ImportStatement> {
  const statements = new Map<string, ImportStatement>();
  const add = (statement: ImportStatement, plan: SitePlan): void => {
    if (!statement.topLevel || statements.has(statement.code)) return;
    statements.set(statement.code, statement);
    for (const variable of statement.uses) {
      const used = importStatementOf(variable, plan.site.script, plan.script.file);
      if (used !== undefined) add(used, plan);
    }
  };
  for (const plan of plans) {
    for (const { statement } of plan.imports) {
      add(statement, plan);
      if (statement.topLevel) continue;
      for (const variable of statement.uses) {
        const used = importStatementOf(variable, plan.site.script, plan.script.file);
        if (used !== undefined) add(used, plan);
      }
    }
  }
  return statements;
}

function finished({ code, helper, hoisted }: ImportStatement, names: Names): string {
  const helped = helper === undefined ? code : code.replace(HELPER_PLACEHOLDER, names.fresh(`interop_${helper}`));
  return hoisted === undefined ? helped : helped.replace(HOISTED_PLACEHOLDER, hoistedName(hoisted, names));
}

const hoistedName = ({ source, options = '' }: AwaitedImport, names: Names): string =>
  names.fresh(`module_${createHash('sha256').update(`${source} ${options}`).digest('hex').slice(0, 12)}`);

/** The modules that functions have from an `await import()` around them, which may not stand in a factory. */
function hoistedPieces(plans: readonly SitePlan[], names: Names): Piece[] {
  const lines = plans.flatMap(({ imports }) =>
    imports.flatMap(({ statement: { hoisted } }) => {
      if (hoisted === undefined) return [];
      const { source, options } = hoisted;
      const name = hoistedName(hoisted, names);
      return options === undefined
        ? `import * as ${name} from ${source};\n`
        : `const ${name} = await import(${source}, ${options});\n`;
    }),
  );
  return [...new Set(lines)].toSorted().map((text) => ({ text }));
}

/** Our own interop helpers, one per name: copying the user's would need whatever those call in turn. */
function helperPieces(statements: readonly ImportStatement[], names: Names): Piece[] {
  const used = new Set(statements.flatMap(({ helper }) => (helper === undefined ? [] : [helper])));
  return [...used]
    .toSorted()
    .map((helper) => ({ text: `const ${names.fresh(`interop_${helper}`)} = ${INTEROP_CODE[helper]};\n` }));
}

const COPY_TO_NAMESPACE = `for (const k of Object.getOwnPropertyNames(m)) if (k !== "default" && !Object.hasOwn(n, k)) Object.defineProperty(n, k, { enumerable: true, get: () => m[k] });`;
const INTEROP_CODE: Readonly<Record<InteropHelper, string>> = {
  default: `(m) => m && m.__esModule ? m : { default: m }`,
  star: `(m) => { if (m && m.__esModule) return m; const n = { default: m }; if (m != null) { ${COPY_TO_NAMESPACE} } return n; }`,
  toESM: `(m, isNode) => { if (!isNode && m && m.__esModule) return m; const n = { default: m }; if (m != null && (typeof m === "object" || typeof m === "function")) { ${COPY_TO_NAMESPACE} } return n; }`,
};

interface Edit extends TextRange {
  readonly text: string;
}

function emitFactory(plan: SitePlan, names: Names): Piece[] {
  const locals = localNames(plan, names);
  const edits = [...rewrites(plan, locals), ...classEdits(plan, names)].toSorted((a, b) => a.start - b.start);
  const nested = plan.imports.flatMap(({ statement }) =>
    statement.topLevel ? [] : [`${finished(statement, names)} `],
  );
  const declared = [...locals.declared, ...privateSetter(plan, names)];
  const setter = [
    ...locals.declared.map((name, index) => `${name} = arguments[${index}];`),
    ...privateSetter(plan, names).map((name) => `${name}(arguments, ${locals.declared.length});`),
  ].join(' ');
  const parameters = plan.site.kind === 'class' ? `(${names.fresh('base')}, ${names.fresh('keys')})` : '()';
  return [
    {
      text: `${parameters} => { ${[...new Set(nested)].join('')}${declared.length === 0 ? '' : `let ${declared.join(', ')}; `}return [`,
    },
    ...functionPieces(plan, edits),
    { text: setter === '' ? ']; }' : `, function () { ${setter} }]; }` },
  ];
}

interface LocalNames {
  /** Factory variables in the order in which their values come. */
  readonly declared: readonly string[];
  /** By free variable: what each use of it becomes. */
  readonly replacements: ReadonlyMap<string, string>;
  readonly thisName: string;
}

/** Which variable of the factory stands for which free variable. Most keep their name; shared ones live in a cell. */
function localNames(plan: SitePlan, names: Names): LocalNames {
  const replacements = new Map<string, string>();
  const declared = plan.values.map((variable) => {
    if (variable.shared) {
      const cell = names.fresh(`cell_${variable.name}`);
      replacements.set(variable.name, `${cell}.v`);
      return cell;
    }
    if (variable.exportsMember === undefined && variable.name !== 'arguments') return variable.name;
    const local = names.fresh(variable.name);
    replacements.set(variable.name, local);
    return local;
  });
  const thisName = names.fresh('this');
  return { declared: plan.takesThis ? [...declared, thisName] : declared, replacements, thisName };
}

function rewrites(plan: SitePlan, { replacements, thisName }: LocalNames): Edit[] {
  const { shorthands, callees, outerThis } = plan.analysis;
  const edits: Edit[] = outerThis.map((use) => ({ ...use, text: plan.takesThis ? thisName : 'undefined' }));
  for (const { name, uses } of plan.values) {
    const replacement = replacements.get(name);
    if (replacement === undefined) continue;
    for (const use of uses) {
      // Called through a cell, the function must not get the cell as its `this`.
      const called = callees.has(use.start) && replacement.includes('.') ? `(0, ${replacement})` : replacement;
      edits.push({ ...use, text: shorthands.has(use.start) ? `${name}: ${replacement}` : called });
    }
  }
  for (const { uses, to } of plan.renamed) edits.push(...uses.map((use) => ({ ...use, text: to })));
  return edits;
}

const privateSetter = (plan: SitePlan, names: Names): string[] =>
  plan.site.kind === 'class' && classShape(plan.site.node as ESTree.Class).staticPrivates.length > 0
    ? [names.fresh('privates')]
    : [];

function classEdits(plan: SitePlan, names: Names): Edit[] {
  if (plan.site.kind !== 'class') return [];
  const node = plan.site.node as ESTree.Class;
  const shape = classShape(node);
  const edits: Edit[] = shape.removed.map(({ start, end }) => ({ start, end, text: '' }));
  if (shape.superClass !== undefined) edits.push({ ...range(shape.superClass), text: names.fresh('base') });
  shape.computed.forEach((element, index) =>
    edits.push({ ...range(placed(element.key)), text: `${names.fresh('keys')}[${index}]` }),
  );
  for (const element of shape.emptied) {
    if (element.value) edits.push({ start: placed(element.key).end, end: placed(element.value).end, text: '' });
  }
  if (shape.staticPrivates.length > 0) {
    const bodyEnd = placed(node.body).end - 1;
    const values = names.fresh('values');
    const at = names.fresh('at');
    const sets = shape.staticPrivates.map((name, index) => `this.#${name} = ${values}[${at} + ${index}];`).join(' ');
    edits.push({
      start: bodyEnd,
      end: bodyEnd,
      text: ` static { ${names.fresh('privates')} = (${values}, ${at}) => { ${sets} }; } `,
    });
  }
  return edits;
}

const range = ({ start, end }: TextRange): TextRange => ({ start, end });

/** The function as an expression: a method in an object of its own, a declaration without the name that it declared. */
function functionPieces(plan: SitePlan, edits: readonly Edit[]): Piece[] {
  const { site, script } = plan;
  const slice = (from: number, to: number): Piece[] => cut(script.text, from, to, edits);
  switch (site.kind) {
    case 'initialiser':
      return [{ text: '() => (' }, ...slice(site.start, site.end), { text: ')' }];
    case 'method': {
      const fn = site.node as ESTree.FunctionExpression;
      const prefix = `${fn.async === true ? 'async ' : ''}${fn.generator === true ? '*' : ''}`;
      return [{ text: `({ ${prefix}m` }, ...slice(placed(fn).start, site.end), { text: ' }).m' }];
    }
    case 'function': {
      const fn = site.node as ESTree.FunctionDeclaration;
      const name = fn.type === 'FunctionDeclaration' && fn.id ? placed(fn.id) : undefined;
      // A declaration's own name is a variable outside of it, which may have been given another value since.
      const captured = name !== undefined && plan.values.some((variable) => variable.name === name.name);
      if (name === undefined || !captured) return [{ text: '(' }, ...slice(site.start, site.end), { text: ')' }];
      return [{ text: '(' }, ...slice(site.start, name.start), ...slice(name.end, site.end), { text: ')' }];
    }
    default:
      return [{ text: '(' }, ...slice(site.start, site.end), { text: ')' }];
  }
}

function cut(text: string, from: number, to: number, edits: readonly Edit[]): Piece[] {
  const pieces: Piece[] = [];
  let position = from;
  for (const edit of edits) {
    if (edit.start < position || !contains({ start: from, end: to }, edit)) continue;
    if (edit.start > position) pieces.push({ text: text.slice(position, edit.start), offset: position });
    if (edit.text !== '') pieces.push({ text: edit.text, offset: edit.start });
    position = edit.end;
  }
  if (position < to) pieces.push({ text: text.slice(position, to), offset: position });
  return pieces;
}
