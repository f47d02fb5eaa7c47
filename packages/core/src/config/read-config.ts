/**
 * Reads the configuration: finds the layers, merges them, checks the configuration's own keys. Nothing is thrown for what a
 * user wrote wrong: the problems are collected, so that those of the plugins' options can join them in one error.
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { ConfigError } from '../errors/splitrock-error.ts';
import { entriesOf, type ConfigEntry } from './config-entries.ts';
import { configFilePlaces, type ConfigFilePlace } from './config-files.ts';
import { formatOrigin, type ConfigOrigin } from './config-origin.ts';
import type { ConfigPath } from './config-path.ts';
import { configErrorOf, type ConfigProblem } from './config-problem.ts';
import { SECTION_OF_KIND, configSchema, type Config, type ConfigInput } from './config-schema.ts';
import { emptyMap, mapOf, mergeMaps, nodeAt, nodeOf, type ConfigMap, type ConfigNode } from './config-tree.ts';
import { importConfigModule } from './module-layer.ts';
import type { ReferenceSources } from './references.ts';
import { parseConfigText } from './text-layer.ts';
import { validateNode } from './validate.ts';
import { readVariables, type Environment } from './variable-layer.ts';

export interface ReadConfigOptions {
  /** Where the search for the project's file begins. @defaultValue the working directory */
  readonly cwd?: string;
  /** @defaultValue `process.env` */
  readonly env?: Environment;
  /** @defaultValue the user's home folder */
  readonly home?: string;
  /** Options in code: the highest layer. */
  readonly overrides?: ConfigInput;
  /** What the overrides are called as an origin. @defaultValue `code` */
  readonly overridesName?: string;
  /** @defaultValue /etc/splitrock/config.yaml */
  readonly machineFile?: string;
}

/** The configuration as it was found; {@link problems} says what is wrong with it. */
export class ResolvedConfig {
  /** The configuration's own keys, checked; the built-in defaults stand in for those with problems. */
  readonly value: Config;
  readonly problems: readonly ConfigProblem[];
  /** The files that were looked at, lowest layer first. */
  readonly files: readonly ConfigFilePlace[];
  readonly cwd: string;
  readonly env: Environment;
  /** All layers merged, references unresolved. */
  readonly tree: ConfigNode;

  constructor(parts: {
    readonly value: Config;
    readonly tree: ConfigNode;
    readonly problems: readonly ConfigProblem[];
    readonly files: readonly ConfigFilePlace[];
    readonly sources: ReferenceSources;
  }) {
    this.value = parts.value;
    this.tree = parts.tree;
    this.problems = parts.problems;
    this.files = parts.files;
    this.cwd = parts.sources.cwd;
    this.env = parts.sources.env;
  }

  /** Where the value at a path came from; for what stands nowhere, `default`. */
  origin(path: ConfigPath): ConfigOrigin {
    return nodeAt(this.tree, path)?.origin ?? { kind: 'default' };
  }

  /** All values with their origins; nothing in them is secret. */
  entries(): Generator<ConfigEntry> {
    return entriesOf(this.tree);
  }

  /** @throws ConfigError `CONFIG_INVALID` if there are problems. */
  assertValid(): void {
    const error = configErrorOf(this.problems, this.cwd);
    if (error !== undefined) throw error;
  }
}

/**
 * Reads all layers.
 * @throws ConfigError `CONFIG_UNREADABLE` when a file cannot be read or is a program that fails.
 */
export async function readConfig(options: ReadConfigOptions = {}): Promise<ResolvedConfig> {
  const { cwd = process.cwd(), env = process.env, home = homedir(), machineFile } = options;
  const { places, problems } = configFilePlaces({
    cwd,
    env,
    home,
    ...(machineFile === undefined ? {} : { machineFile }),
  });
  const layers: Layer[] = [{ node: mapOf(configSchema.parse({}), { kind: 'default' }), problems }];
  for (const { file } of places.filter(({ exists }) => exists)) layers.push(await readFileLayer(file, cwd));
  layers.push(readVariables(env, Object.keys(configSchema.shape)));
  const code: ConfigOrigin = {
    kind: 'code',
    ...(options.overridesName === undefined ? {} : { name: options.overridesName }),
  };
  layers.push({ node: mapOf(options.overrides ?? {}, code), problems: [] });

  const merged = layers.map(({ node }) => node).reduce(mergeMaps);
  const sources = { env, cwd };
  const own = await validateOwnKeys(merged, sources);
  return new ResolvedConfig({
    value: own.value,
    tree: combine(own.written, merged),
    problems: [...layers.flatMap((layer) => layer.problems), ...own.problems],
    files: places,
    sources,
  });
}

/**
 * Reads all layers and refuses a configuration with problems in its own keys.
 * @throws ConfigError `CONFIG_INVALID` listing all problems; `CONFIG_UNREADABLE`.
 */
export async function loadConfig(options: ReadConfigOptions = {}): Promise<ResolvedConfig> {
  const config = await readConfig(options);
  config.assertValid();
  return config;
}

interface Layer {
  readonly node: ConfigMap;
  readonly problems: readonly ConfigProblem[];
}

async function readFileLayer(file: string, cwd: string): Promise<Layer> {
  const origin: ConfigOrigin = { kind: 'file', file };
  const isModule = /\.m?[jt]s$/.test(file);
  try {
    if (!isModule) return parseConfigText(await readFile(file, 'utf8'), file);
    const node = nodeOf(await importConfigModule(file), origin);
    if (node.kind === 'map') return { node, problems: [] };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(
      'CONFIG_UNREADABLE',
      `The configuration file ${formatOrigin(origin, cwd)} cannot be ${isModule ? 'loaded' : 'read'}: ${reason}`,
      { cause: error, details: { file } },
    );
  }
  const message = 'must export its configuration: `export const config = defineConfig({ … })`';
  return { node: emptyMap(origin), problems: [{ path: [], message, origin }] };
}

interface OwnKeys {
  readonly value: Config;
  readonly written: ConfigNode;
  readonly problems: readonly ConfigProblem[];
}

/** The options of plugins are left out: their references and their checks are the business of whoever chooses the plugins. */
async function validateOwnKeys(tree: ConfigMap, sources: ReferenceSources): Promise<OwnKeys> {
  const check = (node: ConfigNode) => validateNode({ node, path: [], schema: configSchema, sources });
  const node = withoutPluginOptions(tree);
  const { value, problems, written } = await check(node);
  // A problem with one key must not hide what is said under the others: they are used to go on and find more problems.
  const sound = value ?? (await check(withoutKeys(node, new Set(problems.map(({ path }) => path[0]))))).value;
  const {
    backends: _backends,
    storages: _storages,
    monitorings: _monitorings,
    ...own
  } = sound ?? configSchema.parse({});
  return { value: own, written, problems };
}

function withoutKeys(node: ConfigMap, keys: ReadonlySet<unknown>): ConfigMap {
  return { ...node, entries: new Map([...node.entries].filter(([key]) => !keys.has(key))) };
}

function withoutPluginOptions(tree: ConfigMap): ConfigMap {
  const entries = Array.from(tree.entries, ([key, section]): [string, ConfigNode] =>
    isPluginSection(key) && section.kind === 'map' ? [key, emptyMap(section.origin)] : [key, section],
  );
  return { ...tree, entries: new Map(entries) };
}

const PLUGIN_SECTIONS: ReadonlySet<string> = new Set(Object.values(SECTION_OF_KIND));
const isPluginSection = (key: string): boolean => PLUGIN_SECTIONS.has(key);

/** The checked spelling of our own keys, and the plugins' sections as they are. */
function combine(written: ConfigNode, tree: ConfigMap): ConfigMap {
  if (written.kind !== 'map') return tree;
  const sections = [...tree.entries].filter(([key]) => isPluginSection(key));
  return { ...tree, entries: new Map([...written.entries, ...sections]) };
}
