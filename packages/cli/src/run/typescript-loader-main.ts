/** The hooks of `typescript-hooks.ts` for a Node whose loader runs in a thread of its own (20). */
import { build } from 'esbuild';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  buildOptionsFor,
  compiledModule,
  isTypeScript,
  needsCompiler,
  typeScriptSpecifier,
} from './typescript-hooks.ts';

type NextResolve = (specifier: string, context: object) => Promise<{ readonly url: string; readonly format?: string }>;
type NextLoad = (url: string, context: object) => Promise<unknown>;

export async function resolve(specifier: string, context: object, next: NextResolve): Promise<object> {
  try {
    return await next(specifier, context);
  } catch (error) {
    const typeScript = typeScriptSpecifier(specifier);
    if (typeScript === undefined || (error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return next(typeScript, context);
  }
}

export async function load(url: string, context: object, next: NextLoad): Promise<unknown> {
  if (!isTypeScript(url)) return next(url, context);
  const file = fileURLToPath(url);
  if (!needsCompiler(url, await readFile(file, 'utf8'))) return next(url, context);
  return { ...compiledModule(url, await build(buildOptionsFor(file))), shortCircuit: true };
}
