/**
 * Variables that hold a member of something imported, `const { url } = config;`: data among them goes by value, as it is
 * at the call, since the program may have changed it. Functions, symbols and what packages made go by reference: they are
 * themselves only together with the rest of their module.
 */
import { createRequire, isBuiltin } from 'node:module';
import { importStatementOf, type ImportStatement } from './classify.ts';
import { analyseSite } from './free-variables.ts';
import type { RunningScript } from './script-registry.ts';
import type { FunctionSite, ParsedScript } from './syntax.ts';

/** What can be seen of the variables around a function. */
export interface VisibleVariables {
  has(name: string): boolean;
  /** Throws for a variable that is not initialised yet. */
  read(name: string): unknown;
  /** Whether an object can be copied, with all that it reaches. */
  canCopy(value: object): boolean;
}

interface Taken {
  readonly name: string;
  readonly isFromPackage: boolean;
}

/** The names of those that go by value. */
export function copiedFromImports(site: FunctionSite, script: RunningScript, visible: VisibleVariables): string[] {
  return takenFromImports(site, script)
    .filter((taken) => isCopied(taken, visible))
    .map(({ name }) => name);
}

const takenNames = new WeakMap<FunctionSite, readonly Taken[]>();

function takenFromImports(site: FunctionSite, script: RunningScript): readonly Taken[] {
  let taken = takenNames.get(site);
  if (taken === undefined) {
    taken = analyseSite(site).variables.flatMap(({ name, variable }) => {
      const statement = variable === undefined ? undefined : importStatementOf(variable, site.script, script.file);
      return statement === undefined || statement.uses.length === 0
        ? []
        : [{ name, isFromPackage: isFromPackage(statement, site.script, script.file) }];
    });
    takenNames.set(site, taken);
  }
  return taken;
}

function isCopied({ name, isFromPackage: fromPackage }: Taken, visible: VisibleVariables): boolean {
  if (!visible.has(name)) return false;
  let value: unknown;
  try {
    value = visible.read(name);
  } catch {
    // Not initialised yet, which reading it as a value will tell.
    return true;
  }
  if (typeof value === 'function' || typeof value === 'symbol') return false;
  return typeof value !== 'object' || value === null || (!fromPackage && visible.canCopy(value));
}

function isFromPackage({ uses }: ImportStatement, script: ParsedScript, file: string | undefined): boolean {
  const [root] = uses;
  const statement = root === undefined ? undefined : importStatementOf(root, script, file);
  if (statement === undefined) return true;
  if (statement.uses.length > 0) return isFromPackage(statement, script, file);
  const source = /(?:\bfrom|\b(?:require|import)\()\s*(["'])(.*?)\1/.exec(statement.code)?.[2];
  return source === undefined || !isOwnSource(source, file);
}

/** Whether an import names a file of the user's: by path, or by an alias that only a bundler or loader knows. */
function isOwnSource(source: string, file: string | undefined): boolean {
  if (/^(?:[./#]|file:)/.test(source)) return !source.includes('/node_modules/');
  if (isBuiltin(source) || file === undefined) return false;
  try {
    return !createRequire(file).resolve(source).includes('node_modules');
  } catch (error) {
    return (error as { code?: string }).code === 'MODULE_NOT_FOUND';
  }
}
