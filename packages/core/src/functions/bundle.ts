/**
 * From emitted modules to one ES module without imports, except of Node's own and external packages: esbuild.
 */
import { builtinModules, createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import type { BuildResult, OnResolveResult, Plugin, PluginBuild } from 'esbuild';
import { describeMessage, missingExport, NAMESPACE, noBundler, translateFailure } from './bundle-failures.ts';
import { packageOf, possibleSpecifiers } from './external-paths.ts';
import { isEntryFile, realPath } from './module-exports.ts';
import { withNativeSpecifiers } from './native-specifiers.ts';
import { findNativeAddon, installedPackage } from './native-addons.ts';
import { warningsOfOwnFiles } from './own-files.ts';
import { ShipProblem } from './ship-errors.ts';

const require = createRequire(import.meta.url);

/** A module that exists only for the bundler. */
export interface VirtualModule {
  readonly code: string;
  /** Where its imports are resolved from. */
  readonly folder: string;
  /** The user's file that its code comes from. */
  readonly file: string | undefined;
  /** Decides, as Node does, what the default import of a CommonJS module is. */
  readonly isModule: boolean;
}

export interface BundleRequest {
  readonly modules: readonly VirtualModule[];
  /** Module 0 is the entry and imports the others as `splitrock:<index>`. */
  readonly projectFolder: string;
  readonly external: readonly string[];
}

export interface Bundle {
  readonly code: string;
  /** Source map, whose sources are absolute paths, and `splitrock:<index>` for virtual modules. */
  readonly map: string;
  /** Absolute paths of all files that went in. */
  readonly inputs: readonly string[];
  /** External packages that the code imports, name to installed version. */
  readonly externals: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/** How a virtual module names another. */
export const virtualName = (index: number): string => `splitrock:${index}`;

/** Splitrock itself inside a function is the worker's own, so that both are of one version. */
const ALWAYS_EXTERNAL = ['splitrock', '@splitrock/*'];

/** @throws ShipProblem `SHIP_IMPORT_UNRESOLVED`, `SHIP_NATIVE_ADDON`, `SHIP_ENTRY_CYCLE`, `SHIP_NO_BUNDLER`. */
export async function bundle(request: BundleRequest): Promise<Bundle> {
  const { build } = loadBundler();
  const seen = { externals: {} as Record<string, string> };
  let result: BuildResult<{ write: false; metafile: true }>;
  try {
    result = await build({
      entryPoints: [virtualName(0)],
      outfile: join(request.projectFolder, 'bundle.mjs'),
      absWorkingDir: request.projectFolder,
      plugins: [virtualModules(request, seen)],
      write: false,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      // As Node resolves, not as bundlers do: no `module` field or condition.
      conditions: userConditions(),
      mainFields: ['main'],
      minifyWhitespace: true,
      keepNames: false,
      treeShaking: true,
      metafile: true,
      sourcemap: 'external',
      sourcesContent: false,
      legalComments: 'none',
      charset: 'utf8',
      logLevel: 'silent',
      banner: { js: REQUIRE_BANNER },
    });
  } catch (error) {
    throw translateFailure(error);
  }
  return readResult(result, request, seen.externals);
}

/** Whether the bundler is there at all; it comes with a binary, which single-file executables lack. */
function loadBundler(): typeof import('esbuild') {
  try {
    return require('esbuild') as typeof import('esbuild');
  } catch (cause) {
    throw noBundler(cause);
  }
}

/** Without loading it, which takes longer than reading a cached bundle. @throws ShipProblem `SHIP_NO_BUNDLER` */
export function bundlerVersion(): string {
  try {
    return (require('esbuild/package.json') as { version: string }).version;
  } catch (cause) {
    throw noBundler(cause);
  }
}

// Bundled CommonJS code and the user's own `require('node:fs')` need a real one.
const REQUIRE_BANNER =
  'import{createRequire as $splitrock_createRequire}from"node:module";const require=$splitrock_createRequire(import.meta.url);';

/** The conditions that this process resolves packages with, beside the usual. */
function userConditions(): string[] {
  const args = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  const conditions = args.flatMap((arg, index) => {
    const match = /^(?:--conditions|-C)(?:=(.*))?$/.exec(arg);
    return match === null ? [] : [match[1] ?? args[index + 1] ?? ''];
  });
  return [...new Set(conditions.filter((condition) => condition !== ''))];
}

function virtualModules(request: BundleRequest, seen: { externals: Record<string, string> }): Plugin {
  return {
    name: 'splitrock',
    setup(build) {
      build.onResolve({ filter: /^splitrock:\d+$/ }, ({ path }) => {
        const index = Number(path.slice('splitrock:'.length));
        return { path: `${index}${request.modules[index]?.isModule === true ? '.mjs' : '.js'}`, namespace: NAMESPACE };
      });
      build.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path }) => {
        const module = request.modules[Number.parseInt(path, 10)] as VirtualModule;
        return { contents: withNativeSpecifiers(module), resolveDir: module.folder, loader: 'js' };
      });
      build.onResolve({ filter: /.*/ }, (args) => resolveImport(args, request, seen, build));
    },
  };
}

type ResolveArgs = Parameters<Parameters<PluginBuild['onResolve']>[1]>[0];

/** Marks imports that we only ask about. */
const QUESTION = Symbol('question');

async function resolveImport(
  args: ResolveArgs,
  request: BundleRequest,
  seen: { externals: Record<string, string> },
  build: PluginBuild,
): Promise<OnResolveResult | undefined> {
  if (args.kind === 'entry-point' || args.pluginData === QUESTION) return undefined;
  const { path } = args;
  if (builtinModules.includes(path) || path.startsWith('node:')) return { path, external: true };
  const name = isAbsolute(path) ? packageOf(path) : packageNameOf(path);
  if (name !== undefined && isExternal(name, request.external)) {
    const specifier = isAbsolute(path) ? await specifierOf(path, args, build) : path;
    // Splitrock's own inner files are no business of the user's.
    if (specifier === undefined && !isExternal(name, request.external, [])) return undefined;
    if (specifier === undefined) return { path, warnings: [{ text: notExported(name, path) }] };
    seen.externals[name] ??= installedPackage(args.resolveDir, name)?.version ?? '*';
    return { path: specifier, external: true };
  }
  if (path.endsWith('.node')) throw new ShipProblem('SHIP_NATIVE_ADDON', `it imports the native addon \`${path}\``);
  return undefined;
}

/** What leads to a file of a package, for whoever has the package elsewhere. */
async function specifierOf(file: string, args: ResolveArgs, build: PluginBuild): Promise<string | undefined> {
  const { kind, resolveDir } = args;
  for (const specifier of possibleSpecifiers(file)) {
    const found = await build.resolve(specifier, { kind, resolveDir, pluginData: QUESTION });
    if (found.errors.length === 0 && realPath(found.path) === realPath(file)) return specifier;
  }
  return undefined;
}

/** The package that a bare specifier names. */
export const packageNameOf = (specifier: string): string | undefined =>
  /^(@[^/]+\/[^/]+|[^./@#][^/:]*)(?:\/|$)/.exec(specifier)?.[1];

const notExported = (name: string, file: string): string =>
  `The package ${name} is external but does not export ${file}, which the function uses: this file is shipped with the function.`;

const isExternal = (name: string, external: readonly string[], always: readonly string[] = ALWAYS_EXTERNAL): boolean =>
  [...always, ...external].some(
    (pattern) => pattern === name || (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))),
  );

function readResult(
  result: BuildResult<{ write: false; metafile: true }>,
  request: BundleRequest,
  externals: Readonly<Record<string, string>>,
): Bundle {
  const inputs = Object.keys(result.metafile.inputs).filter((input) => !input.startsWith(`${NAMESPACE}:`));
  const absolute = (input: string): string => (isAbsolute(input) ? input : join(request.projectFolder, input));
  const files = inputs.map(absolute);
  refuseEntry(result, request, files);
  for (const { text, location } of result.warnings) {
    const [, name, file] = /^Import "(.*?)" will always be undefined because the file "(.*?)"/.exec(text) ?? [];
    // In the user's own code that is legal: a member of a namespace.
    const isOurs = location?.file === `${NAMESPACE}:0.mjs`;
    if (isOurs && name !== undefined && file !== undefined) throw missingExport(file, name);
  }
  const addon = findNativeAddon(files.map(realPath));
  if (addon !== undefined)
    throw new ShipProblem('SHIP_NATIVE_ADDON', `it imports the package \`${addon}\`, which has native code`, {
      remedy: `Add \`${addon}\` to \`external\` and install it in the runtime image.`,
    });
  const text = (suffix: string): string => result.outputFiles.find(({ path }) => path.endsWith(suffix))?.text ?? '';
  return {
    code: withoutPaths(text('.mjs'), inputs),
    map: text('.map'),
    inputs: files,
    externals: Object.fromEntries(Object.entries(externals).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    warnings: [
      ...result.warnings.filter(({ id }) => id !== 'direct-eval').map(describeMessage),
      ...warningsOfOwnFiles(
        text('.mjs').replace(REQUIRE_BANNER, ''),
        usedInputs(result)
          .filter((input) => inputs.includes(input))
          .map(absolute),
        request.projectFolder,
      ),
    ],
  };
}

/** Inputs of which something is left in the bundle. */
function usedInputs({ metafile }: BuildResult<{ write: false; metafile: true }>): string[] {
  return Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}

function refuseEntry(
  result: BuildResult<{ write: false; metafile: true }>,
  request: BundleRequest,
  files: readonly string[],
): void {
  const entry = files.find((file) => isEntryFile(file));
  if (entry === undefined) return;
  const importers = Object.entries(result.metafile.inputs).filter(([, { imports }]) =>
    imports.some(({ path }) => join(request.projectFolder, path) === entry || path === entry),
  );
  const importer = importers.find(([path]) => !path.startsWith(`${NAMESPACE}:`))?.[0] ?? 'the function';
  throw new ShipProblem(
    'SHIP_ENTRY_CYCLE',
    `\`${importer}\` imports your program's entry, and importing that would run the program again on the worker`,
    {
      remedy: `Move what they share out of ${entry.slice(dirname(entry).length + 1)} to a file of its own.`,
    },
  );
}

/**
 * esbuild names wrapped modules by path, `__commonJS({"src/x.cjs"(…){…}})`, for profilers. Paths are the client's own
 * business; names of the same length keep the source map true.
 */
function withoutPaths(code: string, inputs: readonly string[]): string {
  let result = code;
  for (const input of inputs) {
    const name = JSON.stringify(input);
    result = result.replaceAll(`${name}(`, () => `"${'m'.padEnd(name.length - 2, '_')}"(`);
  }
  return result;
}
