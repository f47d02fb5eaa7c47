/**
 * Whether a function is exported by the module it was made in: then it travels by reference, as an import.
 */
import { createRequire } from 'node:module';
import { realpathSync } from 'node:fs';
import type * as ESTree from 'estree';
import type { FunctionPeek } from './function-peek.ts';
import type { RunningScript } from './script-registry.ts';
import type { FunctionSite } from './syntax.ts';

const require = createRequire(import.meta.url);

/** One export of one file. */
export interface ModuleExport {
  readonly file: string;
  /** `default`, a name, or `*` for all of a CommonJS module's `module.exports`. */
  readonly name: string;
  /** How the file is loaded: `import` it, or `require` it. */
  readonly by: 'import' | 'require';
}

/** Stands for an export in the captured graph, where the module itself is not loaded: the `module` form. */
export class ModuleReference {
  readonly export: ModuleExport;

  constructor(file: string, name: string) {
    this.export = { file, name, by: 'import' };
  }
}

export function findExport(
  fn: object,
  site: FunctionSite,
  script: RunningScript,
  peek: FunctionPeek,
): ModuleExport | undefined {
  if (script.file === undefined) return undefined;
  if (!script.isModule && !isViteModule(site)) return findCommonJsExport(fn, script.file);
  for (const [name, local] of exportedLocals(site.script.program, site)) {
    const isIt = typeof local === 'string' ? liveValue(peek, local) === fn : local === site.node;
    if (isIt) return { file: script.file, name, by: 'import' };
  }
  return undefined;
}

const isViteModule = (site: FunctionSite): boolean =>
  [...site.script.topLevel].some((scope) => scope.set.has('__vite_ssr_exportName__'));

function liveValue(peek: FunctionPeek, name: string): unknown {
  for (const { kind, variables } of peek.scopes.toReversed()) {
    if (kind === 'global') continue;
    try {
      if (Object.hasOwn(variables, name)) return variables[name];
    } catch {
      // Not initialised yet, so not the function in hand.
      return undefined;
    }
  }
  return undefined;
}

/** Exported name to local name, or to the node itself for `export default function () {}`. */
function exportedLocals(program: ESTree.Program, site: FunctionSite): [string, string | ESTree.Node][] {
  const result: [string, string | ESTree.Node][] = [];
  for (const statement of program.body) {
    if (statement.type === 'ExportDefaultDeclaration') {
      const { declaration } = statement;
      const isNamed =
        declaration.type === 'Identifier' ||
        ('id' in declaration && declaration.id !== null && declaration.id !== undefined);
      const id =
        declaration.type === 'Identifier'
          ? declaration
          : isNamed
            ? (declaration as ESTree.FunctionDeclaration).id
            : undefined;
      result.push(['default', id?.name ?? (declaration as ESTree.Node)]);
    } else if (statement.type === 'ExportNamedDeclaration' && !statement.source) {
      for (const { exported, local } of statement.specifiers) {
        if (local.type === 'Identifier')
          result.push([exported.type === 'Identifier' ? exported.name : String(exported.value), local.name]);
      }
      if (statement.declaration) {
        for (const variable of site.script.scopes.getDeclaredVariables(statement.declaration))
          result.push([variable.name, variable.name]);
        if (statement.declaration.type === 'VariableDeclaration') {
          for (const declarator of statement.declaration.declarations) {
            for (const variable of site.script.scopes.getDeclaredVariables(declarator))
              result.push([variable.name, variable.name]);
          }
        }
      }
    }
  }
  return [...result, ...viteExports(site.script.text)];
}

/** vite announces exports: `__vite_ssr_exportName__("f", () => { try { return f } catch {} });` */
function viteExports(text: string): [string, string][] {
  const pattern =
    /^.*?__vite_ssr_exportName__\("([^"]+)", \(\) => \{ try \{ return ([\p{ID_Start}$_][\p{ID_Continue}$]*) \} catch/gmu;
  return [...text.matchAll(pattern)].map((match) => [match[1] as string, match[2] as string]);
}

function findCommonJsExport(fn: object, file: string): ModuleExport | undefined {
  const module =
    require.cache[file] ??
    require.cache[realPath(file)] ??
    Object.values(require.cache).find((entry) => entry?.filename === file);
  const exports: unknown = module?.exports;
  if (exports === fn) return { file, name: '*', by: 'require' };
  if ((typeof exports !== 'object' && typeof exports !== 'function') || exports === null) return undefined;
  // Compilers export by getters; a hand-written getter may do anything, so those of other modules are left alone.
  const readsGetters = Object.hasOwn(exports, '__esModule');
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(exports))) {
    const value: unknown =
      descriptor.get === undefined ? descriptor.value : readsGetters ? descriptor.get.call(exports) : undefined;
    if (value === fn) return { file, name, by: 'require' };
  }
  return undefined;
}

export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Whether a file is the program itself: importing it on a worker would run the program again. */
export const isEntryFile = (file: string): boolean => {
  const entry = process.argv[1];
  if (entry === undefined) return false;
  const path = realPath(file);
  const main = realPath(entry);
  return path === main || path.replace(/\.[cm]?[jt]sx?$/, '') === main;
};
