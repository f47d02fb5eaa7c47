/**
 * How the functions of one site travel: which imports their code needs, and which values each of them is given. Static
 * but for one thing: which undeclared names turned out to be the user's own globals.
 */
import { createHash } from 'node:crypto';
import { isStandardGlobal } from './built-ins.ts';
import { classify, exportsMemberAt, type ImportStatement, type Origin } from './classify.ts';
import { analyseSite, isSettled, type FreeVariable, type SiteAnalysis } from './free-variables.ts';
import type { RunningScript } from './script-registry.ts';
import type { FunctionSite } from './syntax.ts';
import { copiedFromImports, type VisibleVariables } from './taken-members.ts';

/** A variable whose value travels with each closure. */
export interface ValueVariable extends FreeVariable {
  readonly shared: boolean;
  readonly constant: boolean;
  /** The variable is `exports.total` or `module.exports.total` of a CommonJS module: this member of it. */
  readonly exportsMember?: string;
}

export interface SitePlan {
  /** The same text at the same place has the same id, in every process. */
  readonly id: string;
  readonly site: FunctionSite;
  readonly script: RunningScript;
  readonly analysis: SiteAnalysis;
  readonly values: readonly ValueVariable[];
  readonly imports: readonly (FreeVariable & { readonly statement: ImportStatement })[];
  readonly renamed: readonly (FreeVariable & { readonly to: string })[];
  /** Whether a `this` travels with the closure: it uses an outer one, and that is not the top of a module. */
  readonly takesThis: boolean;
  /** Whether the variables of a closure keep the values that they have. */
  readonly isSettled: boolean;
}

const plans = new WeakMap<FunctionSite, Map<string, SitePlan>>();

export function planSite(site: FunctionSite, script: RunningScript, visible: VisibleVariables): SitePlan {
  const analysis = analyseSite(site);
  const unbound = analysis.variables
    .filter(({ name, variable }) => variable === undefined && (isStandardGlobal(name) || !visible.has(name)))
    .map(({ name }) => name);
  const copied = copiedFromImports(site, script, visible);
  const key = `${unbound.join()};${copied.join()}`;
  const cached = plans.get(site)?.get(key);
  if (cached !== undefined) return cached;
  const plan = makePlan(site, script, analysis, { unbound: new Set(unbound), copied: new Set(copied) });
  if (!plans.has(site)) plans.set(site, new Map());
  plans.get(site)?.set(key, plan);
  return plan;
}

function makePlan(
  site: FunctionSite,
  script: RunningScript,
  analysis: SiteAnalysis,
  { unbound, copied }: { readonly unbound: ReadonlySet<string>; readonly copied: ReadonlySet<string> },
): SitePlan {
  const values: ValueVariable[] = [];
  const imports: (FreeVariable & { statement: ImportStatement })[] = [];
  const renamed: (FreeVariable & { to: string })[] = [];
  const originOf = (free: FreeVariable): Origin => {
    if (unbound.has(free.name)) return { kind: 'global' };
    if (copied.has(free.name)) return { kind: 'value', shared: false, constant: true };
    return classify(free, site.script, script.file);
  };
  for (const free of analysis.variables) {
    const origin = originOf(free);
    if (origin.kind === 'value') values.push({ ...free, shared: origin.shared, constant: origin.constant });
    else if (origin.kind === 'exports') values.push(...exportsVariables(free, origin.members, site.script.text));
    else if (origin.kind === 'import') imports.push({ ...free, statement: origin.statement });
    else if (origin.kind === 'renamed') renamed.push({ ...free, to: origin.to });
  }
  const takesThis = analysis.outerThis.length > 0 && !isTopLevelThis(analysis, site, script);
  const id = createHash('sha256')
    .update(`${site.start}:${[...values.map(({ name }) => name), takesThis ? 'this' : ''].join()}:`)
    .update(scriptDigest(script))
    .digest('hex')
    .slice(0, 20);
  const settled = values.every(({ variable }) => variable !== undefined && isSettled(variable, site.script));
  return { id, site, script, analysis, values, imports, renamed, takesThis, isSettled: settled };
}

/** `exports` as a whole, or each member that the function names, as if it were a variable. */
function exportsVariables(free: FreeVariable, members: readonly string[] | undefined, text: string): ValueVariable[] {
  if (members === undefined) return [{ ...free, shared: false, constant: false }];
  return members.map((member) => {
    const uses = free.uses.flatMap((use) => {
      const found = exportsMemberAt(free.name, text, use.end);
      return found?.name === member ? [{ start: use.start, end: found.end }] : [];
    });
    // Compilers announce each export with `= void 0`; a second real assignment makes it a variable that changes.
    const escaped = member.replaceAll('$', '\\$');
    const writes = text.match(
      new RegExp(
        `\\bexports\\.${escaped}\\s*(?:=(?![=>])(?!\\s*(?:exports\\.[\\w$]+\\s*=\\s*)*void 0)|[-+*/%&|^]+=|\\+\\+|--)`,
        'g',
      ),
    );
    return {
      ...free,
      name: free.name === 'module' ? `module.exports.${member}` : `exports.${member}`,
      variable: undefined,
      uses,
      shared: (writes?.length ?? 0) > 1,
      constant: false,
      exportsMember: member,
    };
  });
}

/** At the top of a module, and of vitest's and tsx's wrappers around one, `this` is `undefined`. */
function isTopLevelThis({ thisProvider }: SiteAnalysis, { script }: FunctionSite, running: RunningScript): boolean {
  if (thisProvider === undefined) return running.isModule;
  return [...script.topLevel].some((scope) => scope.block === thisProvider);
}

const digests = new WeakMap<RunningScript, string>();

// tsx writes the file's path into the text, and source maps may hold more: only the program itself counts.
function scriptDigest(script: RunningScript): string {
  let digest = digests.get(script);
  if (digest === undefined) {
    const text = script.text.replace(/^__filename="[^"]*";/, '').replace(/\n\/\/[#@] \w+=.*$/gm, '');
    digest = createHash('sha256').update(text).digest('hex');
    digests.set(script, digest);
  }
  return digest;
}
