/** The ways in which users run their programs; in each of them every shape must travel. */
import { execFile } from 'node:child_process';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build, type BuildOptions } from 'esbuild';

const run = promisify(execFile);
const TEST_FOLDER = dirname(dirname(fileURLToPath(import.meta.url)));
export const REPOSITORY = join(TEST_FOLDER, '../../../..');
const REPOSITORY_MODULES = join(REPOSITORY, 'node_modules');

// First those that look through the heap: it is still small then.
const COMMON = ['closures', 'outerThis', 'basics', 'values', 'classes', 'imports', 'oddities'];
const FILES: Readonly<Record<string, string>> = { outerThis: 'outer-this' };

export interface Mode {
  readonly name: string;
  readonly shapes: readonly string[];
  readonly type: 'module' | 'commonjs';
  /** Compiles or bundles the project where need be. @returns Node's arguments for the user's program. */
  readonly prepare: (project: string) => Promise<readonly string[]>;
  /** Whether Node itself runs the TypeScript: only where it strips types. */
  readonly needsTypeStripping?: boolean;
}

const MAIN = 'src/main.ts';

const tsc = async (project: string, ...options: string[]): Promise<void> => {
  const args = [
    join(REPOSITORY_MODULES, 'typescript/bin/tsc'),
    '--ignoreConfig',
    '--noCheck',
    '--rewriteRelativeImportExtensions',
    '--resolveJsonModule',
    '--sourceMap',
  ];
  await run(process.execPath, [...args, '--rootDir', 'src', '--outDir', 'out', ...options, MAIN], { cwd: project });
};

const preBundle = async (project: string, minify: boolean): Promise<readonly string[]> => {
  await build({
    entryPoints: [join(project, MAIN)],
    outfile: join(project, 'out/main.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    minify,
    sourcemap: 'linked',
    logLevel: 'error',
    // The native package is left out, as bundlers are told to.
    external: ['tiny-native', 'not-installed-anywhere'],
    banner: {
      js: 'import { createRequire as $createRequire } from "node:module"; const require = $createRequire(import.meta.url);',
    },
  });
  return ['out/main.mjs'];
};

const tsx = pathToImport('tsx/dist/loader.mjs');

export const MODES: readonly Mode[] = [
  {
    name: 'type stripping',
    shapes: ['exactness', ...COMMON, 'modules', 'unbundled'],
    type: 'module',
    prepare: async () => [MAIN],
    needsTypeStripping: true,
  },
  {
    name: 'tsx to ESM',
    shapes: ['exactness', ...COMMON, 'modules', 'typescript', 'decorators', 'unbundled'],
    type: 'module',
    prepare: async () => ['--import', tsx, MAIN],
  },
  {
    name: 'tsx to CommonJS',
    shapes: [...COMMON, 'typescript'],
    type: 'commonjs',
    prepare: async () => ['--import', tsx, MAIN],
  },
  {
    name: 'tsc to ESM',
    shapes: ['exactness', ...COMMON, 'modules', 'typescript', 'decorators', 'unbundled'],
    type: 'module',
    prepare: async (project) => {
      await tsc(project, '--module', 'nodenext', '--target', 'es2023', '--experimentalDecorators');
      await cp(join(project, 'src/lib/settings.json'), join(project, 'out/lib/settings.json'));
      return ['out/main.js'];
    },
  },
  {
    name: 'tsc to CommonJS',
    shapes: [...COMMON, 'typescript'],
    type: 'commonjs',
    prepare: async (project) => {
      await tsc(project, '--module', 'nodenext', '--target', 'es2022', '--esModuleInterop');
      return ['out/main.js'];
    },
  },
  {
    name: 'bundled by esbuild',
    shapes: [...COMMON, 'modules', 'typescript'],
    type: 'module',
    prepare: (project) => preBundle(project, false),
  },
  {
    name: 'bundled and minified by esbuild',
    shapes: [...COMMON, 'modules', 'typescript'],
    type: 'module',
    prepare: (project) => preBundle(project, true),
  },
  {
    name: 'vitest',
    shapes: [...COMMON, 'modules', 'typescript'],
    type: 'module',
    prepare: async (project) => {
      await cp(join(project, MAIN), join(project, 'src/main.test.ts'));
      await writeFile(
        join(project, 'vitest.config.mjs'),
        `export default { test: { pool: 'forks', testTimeout: 400000, execArgv: ['--import', process.env.SHAPES_PRELOAD], passWithNoTests: true } };`,
      );
      await writeFile(
        join(project, 'src/main.test.ts'),
        `import { test } from 'vitest';\ntest('shapes', async () => { await import('./main.ts'); });\n`,
      );
      return [join(REPOSITORY_MODULES, 'vitest/vitest.mjs'), 'run', '--root', '.', '--reporter', 'dot'];
    },
  },
];

function pathToImport(path: string): string {
  return `file://${join(REPOSITORY_MODULES, path)}`;
}

/** A user's project: the shapes, the packages they use, and a main file for the mode. */
export async function makeProject(project: string, mode: Mode): Promise<void> {
  await cp(join(TEST_FOLDER, 'shapes'), join(project, 'src'), { recursive: true });
  await cp(join(TEST_FOLDER, 'packages'), join(project, 'node_modules'), { recursive: true });
  for (const name of ['zod', 'vitest', '@types'])
    await symlink(join(REPOSITORY_MODULES, name), join(project, 'node_modules', name));
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'shapes', private: true, type: mode.type }));
  await writeFile(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: { target: 'es2022', experimentalDecorators: true, esModuleInterop: true, types: [] },
    }),
  );
  const imports = mode.shapes.map((name) => `import { ${name} } from './${FILES[name] ?? name}.shapes.ts';`);
  const call = `globalThis[Symbol.for('splitrock.shapes')]([${mode.shapes.map((name) => `...${name}`).join(', ')}])`;
  const start = mode.type === 'module' ? `await ${call};` : `void ${call};`;
  await writeFile(join(project, MAIN), `// @ts-nocheck\n${imports.join('\n')}\n${start}\n`);
}

/** The library as users install it: compiled, in a folder of its own. */
export async function buildHalves(folder: string): Promise<{ readonly preload: string; readonly worker: string }> {
  await mkdir(folder, { recursive: true });
  await symlink(REPOSITORY_MODULES, join(folder, 'node_modules'));
  const common = {
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    conditions: ['@splitrock/source'],
  } satisfies BuildOptions;
  await build({
    ...common,
    entryPoints: [join(TEST_FOLDER, 'harness/preload.ts')],
    outfile: join(folder, 'preload.mjs'),
    packages: 'external',
  });
  await build({
    ...common,
    entryPoints: [join(TEST_FOLDER, 'harness/worker.ts')],
    outfile: join(folder, 'worker', 'worker.mjs'),
  });
  return { preload: join(folder, 'preload.mjs'), worker: join(folder, 'worker', 'worker.mjs') };
}
