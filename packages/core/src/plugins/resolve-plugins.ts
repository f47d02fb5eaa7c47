/** Loads the plugins that the configuration chooses and checks their options. */
import { pathToFileURL } from 'node:url';
import { formatOrigin, type ConfigOrigin } from '../config/config-origin.ts';
import type { ConfigPath } from '../config/config-path.ts';
import { configErrorOf, type ConfigProblem } from '../config/config-problem.ts';
import { SECTION_OF_KIND } from '../config/config-schema.ts';
import { emptyMap, isSilent, mergeNodes, nodeAt, nodeOf, type ConfigNode } from '../config/config-tree.ts';
import { entriesOf, type ConfigEntry } from '../config/config-entries.ts';
import type { ResolvedConfig } from '../config/read-config.ts';
import { closest } from '../config/suggest.ts';
import { validateNode } from '../config/validate.ts';
import type { PluginByKind, PluginKind, PluginRef, StoragePlugin } from '../contracts/plugin.ts';
import { systemClock } from '../contracts/clock.ts';
import { silentLogger } from '../contracts/logger.ts';
import { isSplitrockError, PluginError, type SplitrockError } from '../errors/splitrock-error.ts';
import { callPlugin } from './call-plugin.ts';
import { checkPlugin } from './check-plugin.ts';
import { findPlugin } from './find-plugin.ts';
import { importPlugin } from './import-plugin.ts';
import { OFFICIAL_PLUGINS } from './plugin-names.ts';
import { installedPlugins } from './resolve-module.ts';

/** A plugin ready to be used. */
export interface ResolvedPlugin<Kind extends PluginKind> {
  readonly plugin: PluginByKind[Kind];
  /** Checked by the plugin's schema, with defaults in place and secrets resolved: never log them. */
  readonly options: unknown;
  /** What workers need to load it. */
  readonly ref: PluginRef;
  /** Who chose it. */
  readonly origin: ConfigOrigin;
  /** Its options with their origins, defaults included, fit to be shown. */
  readonly entries: readonly ConfigEntry[];
}

export type ResolvedPlugins = { readonly [Kind in PluginKind]: ResolvedPlugin<Kind> };

export interface ResolvePluginsOptions {
  /** Modules whose packages are looked at after the working directory's: who brings plugins passes its `import.meta.url`. */
  readonly resolveFrom?: readonly (URL | string)[];
}

/**
 * Resolves all three plugins.
 * @throws ConfigError `CONFIG_INVALID` with all problems, those of the configuration's own keys included.
 * @throws PluginError when a plugin that cannot be had is the only problem.
 */
export async function resolvePlugins(
  config: ResolvedConfig,
  options: ResolvePluginsOptions = {},
): Promise<ResolvedPlugins> {
  const bases = basesOf(config, options);
  const backend = await attempt('backend', config, bases);
  const storage = await attempt('storage', config, bases);
  const monitoring = await attempt('monitoring', config, bases);
  const attempts = [backend, storage, monitoring];

  const chosen = new Map(attempts.map(({ kind, name }) => [kind, name]));
  throwIfAny(config, attempts, [...config.problems, ...strayingSections(config, chosen, bases)]);
  return { backend: backend.resolved, storage: storage.resolved, monitoring: monitoring.resolved } as ResolvedPlugins;
}

/**
 * Resolves one plugin, for commands that need no more.
 * @throws PluginError; ConfigError `CONFIG_INVALID` with the problems of its options.
 */
export async function resolvePlugin<Kind extends PluginKind>(
  kind: Kind,
  config: ResolvedConfig,
  options: ResolvePluginsOptions = {},
): Promise<ResolvedPlugin<Kind>> {
  const made = await attempt(kind, config, basesOf(config, options));
  throwIfAny(config, [made], []);
  return made.resolved as ResolvedPlugin<Kind>;
}

/**
 * Resolves the further storages that data sets may be read from. One that has buckets needs none in its options: each
 * source names its own.
 * @throws PluginError, `PLUGIN_DUPLICATE_NAME` among them: an address names its storage; ConfigError `CONFIG_INVALID` with the
 * problems of all their options.
 */
export async function resolveDataStorages(
  config: ResolvedConfig,
  options: ResolvePluginsOptions = {},
): Promise<readonly ResolvedPlugin<'storage'>[]> {
  const bases = basesOf(config, options);
  const choices = config.value.dataStorages.map((choice, index) => ({
    choice,
    path: ['dataStorages', index],
    beneath: (plugin: StoragePlugin) => plugin.optionsOfBucket?.('any-bucket') ?? {},
  }));
  if (choices.length === 0) return [];
  const own = await attempt('storage', config, bases);
  const attempts = await Promise.all(choices.map((choice) => attempt('storage', config, bases, choice)));
  throwIfAny(config, attempts, []);
  assertNamesDiffer([own, ...attempts]);
  return attempts.flatMap(({ resolved }) => (resolved === undefined ? [] : [resolved]));
}

/** What is to be resolved, and where that is written. */
interface Choice<Kind extends PluginKind> {
  readonly choice: unknown;
  readonly path: ConfigPath;
  /** Options that stand in for those that nobody wrote. */
  readonly beneath?: (plugin: PluginByKind[Kind]) => object;
}

/** What became of one plugin: it is resolved, or its options have problems, or it cannot be had. */
interface Attempt<Kind extends PluginKind = PluginKind> {
  readonly kind: Kind;
  readonly name?: string;
  readonly resolved?: ResolvedPlugin<Kind>;
  readonly problems: readonly ConfigProblem[];
  readonly failure?: SplitrockError;
}

async function attempt<Kind extends PluginKind>(
  kind: Kind,
  config: ResolvedConfig,
  bases: readonly URL[],
  chosen: Choice<Kind> = { choice: config.value[kind], path: [kind] },
): Promise<Attempt<Kind>> {
  const origin = config.origin(chosen.path);
  try {
    const { plugin, module } = await loadChosen(kind, chosen.choice, origin, config, bases);
    const { name } = plugin;
    const path = [SECTION_OF_KIND[kind], name];
    const section = sectionAt(config.tree, path);
    const { value, problems, written, shape } = await validateNode({
      node:
        chosen.beneath === undefined
          ? section
          : mergeNodes(nodeOf(chosen.beneath(plugin), { kind: 'default' }), section),
      path,
      schema: plugin.optionsSchema,
      sources: config,
    });
    if (problems.length > 0) return { kind, name, problems };
    // What was written lies over the options as they are used, so that references are shown and not the secrets.
    const shown = mergeNodes(nodeOf(value, { kind: 'default' }), written);
    const entries = [...entriesOf(shown, path, (at) => shape.isSecret(at.slice(path.length)))];
    const ref: PluginRef = { module, name, options: value };
    return { kind, name, problems, resolved: { plugin, options: value, ref, origin, entries } };
  } catch (error) {
    if (!isSplitrockError(error)) throw error;
    const problem = { path: chosen.path, message: error.message, origin };
    return { kind, problems: [problem], failure: error };
  }
}

function throwIfAny(config: ResolvedConfig, attempts: readonly Attempt[], others: readonly ConfigProblem[]): void {
  const problems = [...others, ...attempts.flatMap((made) => made.problems)];
  const failure = attempts.find((made) => made.failure !== undefined)?.failure;
  // A plugin that cannot be had keeps its own code when it is all that is wrong.
  if (failure !== undefined && problems.length === 1) throw failure;
  const error = configErrorOf(problems, config.cwd);
  if (error !== undefined) throw error;
}

function assertNamesDiffer(attempts: readonly Attempt<'storage'>[]): void {
  const modules = new Map<string, string>();
  for (const { resolved } of attempts) {
    if (resolved === undefined) continue;
    const { name, module } = resolved.ref;
    const other = modules.get(name);
    if (other !== undefined && other !== module) {
      throw new PluginError(
        'PLUGIN_DUPLICATE_NAME',
        `Two storage plugins are called \`${name}\` [member=name, modules=${other}, ${module}]; ` +
          'options and addresses go by the name: use one of them, or have one renamed.',
        { details: { kind: 'storage', name, member: 'name', modules: [other, module] } },
      );
    }
    modules.set(name, module);
  }
}

/** The chosen plugin and the module that workers import it from. */
async function loadChosen<Kind extends PluginKind>(
  kind: Kind,
  choice: unknown,
  origin: ConfigOrigin,
  config: ResolvedConfig,
  bases: readonly URL[],
): Promise<{ readonly plugin: PluginByKind[Kind]; readonly module: string }> {
  if (typeof choice === 'string') {
    const { href } = findPlugin({ kind, value: choice, origin, cwd: config.cwd, bases });
    // A module may wait for something at its top level, for ever.
    const limits = { clock: systemClock, logger: silentLogger, timeoutMs: config.value.pluginStartTimeoutMs };
    const plugin = await callPlugin({ kind, name: choice, member: 'import' }, () => importPlugin(kind, href), limits);
    return { plugin, module: href };
  }
  const plugin = checkPlugin(kind, choice, formatOrigin(origin, config.cwd));
  return { plugin, module: moduleOfDescriptor(kind, plugin.name, config, bases) };
}

/**
 * Workers cannot be sent a descriptor: they import its module, which is found by the plugin's name. A plugin that is
 * no package of its own can only be used where workers share the client's process; elsewhere they say that they lack it.
 */
function moduleOfDescriptor(kind: PluginKind, name: string, config: ResolvedConfig, bases: readonly URL[]): string {
  try {
    return findPlugin({ kind, value: name, origin: config.origin([kind]), cwd: config.cwd, bases }).href;
  } catch (error) {
    if (isSplitrockError(error, 'PLUGIN_NOT_FOUND')) return `splitrock-${kind}-${name}`;
    throw error;
  }
}

/** The working directory's packages, then those of whoever called, then this package's own. */
function basesOf(config: ResolvedConfig, { resolveFrom = [] }: ResolvePluginsOptions): readonly URL[] {
  return [pathToFileURL(`${config.cwd}/`), ...resolveFrom.map((base) => new URL(base)), new URL(import.meta.url)];
}

function sectionAt(tree: ConfigNode, path: readonly string[]): ConfigNode {
  const node = nodeAt(tree, path);
  return node === undefined || isSilent(node) ? emptyMap({ kind: 'default' }) : node;
}

/**
 * Sections of plugins that nobody knows and whose names look like a misspelt one. Other sections of plugins that are not
 * chosen are fine: one file may serve several machines.
 */
function strayingSections(
  config: ResolvedConfig,
  chosen: ReadonlyMap<PluginKind, string | undefined>,
  bases: readonly URL[],
): readonly ConfigProblem[] {
  return PLUGIN_KINDS.flatMap((kind) => {
    const sections = nodeAt(config.tree, [SECTION_OF_KIND[kind]]);
    if (sections?.kind !== 'map') return [];
    const known = new Set([...OFFICIAL_PLUGINS[kind], chosen.get(kind) ?? []].flat());
    const unknown = [...sections.entries].filter(([name]) => !known.has(name));
    if (unknown.length === 0) return [];
    const installed = new Set(installedPlugins(kind, bases));
    return unknown.flatMap(([name, { origin }]) => {
      const meant = installed.has(name) ? undefined : closest(name, [...known, ...installed]);
      if (meant === undefined) return [];
      return [
        {
          path: [SECTION_OF_KIND[kind], name],
          message: `unknown ${kind} plugin`,
          origin,
          hint: `did you mean ${meant}?`,
        },
      ];
    });
  });
}

const PLUGIN_KINDS = ['backend', 'storage', 'monitoring'] as const satisfies readonly PluginKind[];
