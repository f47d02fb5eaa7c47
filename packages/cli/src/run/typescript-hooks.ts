/**
 * Lets a script be TypeScript on every version of Node. What Node can run itself it runs itself; the rest (enums, parameter
 * properties, decorators; everything on a Node without TypeScript) is compiled by esbuild, file by file, with source maps.
 */
import { readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, BuildResult } from 'esbuild';

const TYPESCRIPT = /\.(?:[cm]?ts|tsx)$/;

/** TypeScript that is more than types. What it finds wrongly costs a compilation, what it misses is told by Node. */
const NEEDS_COMPILER =
  /\b(?:enum|namespace)\s+[\w$]+\s*(?:\.[\w$.]+\s*)?\{|\bimport\s+[\w$]+\s*=|\bconstructor\s*\([^)]*\b(?:public|private|protected|readonly)\s|^\s*@[\w$]+|^\s*export\s+=/m;

export const isTypeScript = (url: string): boolean =>
  url.startsWith('file:') && TYPESCRIPT.test(new URL(url).pathname) && !url.includes('/node_modules/');

/** Whether a file must be compiled rather than stripped of its types. */
export const needsCompiler = (url: string, text: string): boolean =>
  !process.features.typescript || new URL(url).pathname.endsWith('x') || NEEDS_COMPILER.test(text);

/** `./x.js` as TypeScript writes it for `./x.ts`; `undefined` when the specifier is nothing of the kind. */
export function typeScriptSpecifier(specifier: string): string | undefined {
  return /^\.{1,2}\/.*\.[cm]?js$/.test(specifier) ? specifier.replace(/js$/, 'ts') : undefined;
}

export const buildOptionsFor = (file: string): BuildOptions & { metafile: true; write: false } => ({
  entryPoints: [file],
  // Beside the source, so that the source map names it simply; nothing is written.
  outfile: file.replace(/\.([cm]?)tsx?$/, '.$1js'),
  allowOverwrite: true,
  write: false,
  metafile: true,
  bundle: false,
  sourcemap: 'inline',
  platform: 'node',
  target: `node${process.versions.node}`,
  logLevel: 'silent',
});

export interface CompiledModule {
  readonly format: 'module' | 'commonjs';
  readonly source: string;
}

export function compiledModule(url: string, result: BuildResult<{ metafile: true; write: false }>): CompiledModule {
  const [input] = Object.values(result.metafile.inputs);
  const source = result.outputFiles[0]?.text ?? '';
  // What neither imports nor exports anything is a module too, unless it speaks CommonJS.
  const speaksCommonJs = input?.format !== 'esm' && /\b(?:module\.exports|exports\.\w+ =|require\()/.test(source);
  return { format: new URL(url).pathname.endsWith('.cts') || speaksCommonJs ? 'commonjs' : 'module', source };
}

interface Resolved {
  readonly url: string;
}
type NextResolve = (specifier: string) => Resolved;

/** Registers the hooks in this thread, or, on a Node that has no such hooks, in its own. */
export async function registerTypeScript(): Promise<void> {
  const { registerHooks } = nodeModule as unknown as { registerHooks?: (hooks: object) => void };
  if (registerHooks === undefined) {
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    nodeModule.register(`./typescript-loader-main.${ending}`, import.meta.url);
    return;
  }
  const { buildSync } = await import('esbuild');
  registerHooks({
    resolve(specifier: string, _context: unknown, next: NextResolve): Resolved {
      try {
        return next(specifier);
      } catch (error) {
        const typeScript = typeScriptSpecifier(specifier);
        if (typeScript === undefined || (error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
        return next(typeScript);
      }
    },
    load(url: string, context: object, next: (url: string, context: object) => unknown): unknown {
      if (!isTypeScript(url)) return next(url, context);
      const file = fileURLToPath(url);
      if (!needsCompiler(url, readFileSync(file, 'utf8'))) return next(url, context);
      return { ...compiledModule(url, buildSync(buildOptionsFor(file))), shortCircuit: true };
    },
  });
}
