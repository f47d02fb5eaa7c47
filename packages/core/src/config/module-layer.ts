/** Loads a configuration written in TypeScript or JavaScript: `export const config = defineConfig({ … })`, or the default export. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import { processConditions } from '../plugins/process-conditions.ts';

/** What the module exports as its configuration. Whatever it throws while loading is passed on. */
export async function importConfigModule(file: string): Promise<unknown> {
  const module = await (/\.m?ts$/.test(file) ? importTypeScript(file) : importJavaScript(file));
  return module['config'] ?? module['default'];
}

// The query makes a changed file a new module to Node, which never forgets one.
async function importJavaScript(file: string): Promise<Record<string, unknown>> {
  const { mtimeMs } = await stat(file);
  return (await import(/* @vite-ignore */ `${pathToFileURL(file).href}?changed=${mtimeMs}`)) as Record<string, unknown>;
}

/**
 * Bundles the file with what it imports by relative paths and imports the result: the same on every version of Node, whether
 * it knows TypeScript or not. Packages are not bundled, so that a plugin imported here is the one that everybody has.
 */
async function importTypeScript(file: string): Promise<Record<string, unknown>> {
  const { build } = await import('esbuild');
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-config-'));
  try {
    const result = await build({
      entryPoints: [file],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'silent',
      conditions: [...processConditions(), 'node', 'import'],
      plugins: [ownImportMeta, packagesByUrl],
    });
    const bundle = join(folder, 'splitrock.config.mjs');
    await writeFile(bundle, result.outputFiles[0]?.contents ?? '');
    return (await import(/* @vite-ignore */ pathToFileURL(bundle).href)) as Record<string, unknown>;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Leaves packages outside, under the URL they have as seen from the importing file: the bundle lies elsewhere. */
const packagesByUrl: Plugin = {
  name: 'packages-by-url',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async (request) => {
      if (
        request.pluginData === packagesByUrl ||
        request.kind === 'entry-point' ||
        /^(?:node|file|data):/.test(request.path)
      )
        return;
      const { path, errors, external } = await build.resolve(request.path, {
        kind: request.kind,
        importer: request.importer,
        resolveDir: request.resolveDir,
        pluginData: packagesByUrl,
      });
      if (errors.length > 0) return { errors };
      return external ? { path, external } : { path: pathToFileURL(path).href, external: true };
    });
  },
};

/** Gives every bundled file the `import.meta` it would have by itself. */
const ownImportMeta: Plugin = {
  name: 'own-import-meta',
  setup(build) {
    build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
      const { readFile } = await import('node:fs/promises');
      const text = await readFile(path, 'utf8');
      if (!text.includes('import.meta')) return { contents: text, loader: loaderOf(path) };
      const { transform } = await import('esbuild');
      const { code } = await transform(text, {
        loader: loaderOf(path),
        sourcefile: path,
        sourcemap: 'inline',
        define: {
          'import.meta.url': JSON.stringify(pathToFileURL(path).href),
          'import.meta.filename': JSON.stringify(path),
          'import.meta.dirname': JSON.stringify(dirname(path)),
        },
      });
      return { contents: code, loader: 'js' };
    });
  },
};

const loaderOf = (path: string): 'ts' | 'tsx' | 'js' =>
  path.endsWith('x') ? 'tsx' : /\.[cm]?ts$/.test(path) ? 'ts' : 'js';
