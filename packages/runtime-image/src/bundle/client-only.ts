/**
 * Keeps what only clients need out of images. The client half of a plugin may use such packages if it imports them when
 * it needs them, `await import()`; a worker that could not start without them is a fault of the plugin.
 */
import { basename } from 'node:path';
import type { Metafile } from 'esbuild';
import { RuntimeImageError } from '../runtime-image-error.ts';

/** Packages of tens of megabytes, or with native code, of which no worker half has any use. */
export const CLIENT_ONLY_PACKAGES = ['@kubernetes/client-node', '@splitrock/plot', 'esbuild'] as const;

const isClientOnly = (path: string): boolean =>
  CLIENT_ONLY_PACKAGES.some((name) => path === name || path.startsWith(`${name}/`));

/**
 * @param entries - names of the files that workers load; modules that plugins import when they need them have files too
 * @throws RuntimeImageError `RUNTIME_BUILD_FAILED` when an entry loads a client-only package at its start
 */
export function refuseClientOnly({ outputs }: Metafile, entries: ReadonlySet<string>): void {
  for (const [path, { entryPoint }] of Object.entries(outputs)) {
    const found = entries.has(basename(path, '.js')) ? staticImports(path, outputs).find(isClientOnly) : undefined;
    if (found === undefined) continue;
    throw new RuntimeImageError(
      'RUNTIME_BUILD_FAILED',
      `A worker would load ${found}, which only clients need [entry=${entryPoint}]; ` +
        'let the plugin import it with `await import()` in its client half.',
      { details: { entry: entryPoint, package: found } },
    );
  }
}

/** External imports that are resolved when an output is loaded, its chunks’ included. */
function staticImports(path: string, outputs: Metafile['outputs'], seen = new Set<string>()): string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  return (outputs[path]?.imports ?? [])
    .filter(({ kind }) => kind === 'import-statement')
    .flatMap((imported) =>
      imported.external === true ? [imported.path] : staticImports(imported.path, outputs, seen),
    );
}
