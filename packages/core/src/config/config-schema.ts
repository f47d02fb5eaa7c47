/** The configuration's own keys. The options of plugins are checked by the plugins' schemas, once they are chosen. */
import { z } from 'zod';
import type { AnyPlugin, BackendPlugin, MonitoringPlugin, PluginKind, StoragePlugin } from '../contracts/plugin.ts';
import { jobDefaultsSchema } from '../job/job-options.ts';
import { PLUGIN_TIMEOUT_MS } from '../plugins/call-plugin.ts';

/** Names that become parts of keys, queues and labels: short, lower case, no dash at an end. */
const TENANT = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

const pluginChoice = <Plugin extends AnyPlugin>(kind: PluginKind, name: string) =>
  z
    .union([z.string().min(1), z.custom<Plugin>((value) => typeof value === 'object' && value !== null)], {
      error: 'Must be a plugin’s name, a package or a path',
    })
    .default(name)
    .describe(`The ${kind}: the name of a plugin (\`${name}\`), a package, or a path to a module.`);

const pluginSections = (kind: PluginKind) =>
  z
    .record(z.string(), z.unknown())
    .default({})
    .describe(`Options of ${kind} plugins, by the plugin’s name. Only those of the chosen one are used and checked.`);

/** As long as a timer of Node can run. */
const MAX_TIMEOUT_MS = 2_147_483_647;

const pluginTimeout = (what: string) =>
  z
    .number()
    .int()
    .min(1)
    .max(MAX_TIMEOUT_MS)
    .default(PLUGIN_TIMEOUT_MS)
    .describe(`How long a plugin may take to ${what}, in milliseconds; then the error \`PLUGIN_TIMEOUT\` names it.`);

export const configSchema = z.strictObject({
  tenant: z
    .string()
    .regex(TENANT, { error: 'Must be 1 to 32 of a-z, 0-9 and -, with no - at its ends' })
    .default('default')
    .describe(
      'Whose work it is: names, queues, labels and limits carry it, so that tenants share nothing by accident.',
    ),
  backend: pluginChoice<BackendPlugin>('backend', 'localhost'),
  storage: pluginChoice<StoragePlugin>('storage', 'local'),
  monitoring: pluginChoice<MonitoringPlugin>('monitoring', 'storage'),
  dataStorages: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Storages, beside the chosen one, that data sets may be read from: names of plugins, packages or paths. Their options travel to the workers.',
    ),
  logLevel: z
    .enum(LOG_LEVELS)
    .default('warn')
    .describe('The least level that is logged, by the client and by workers.'),
  pluginStartTimeoutMs: pluginTimeout('be loaded, to make its parts and to start'),
  pluginStopTimeoutMs: pluginTimeout('stop'),
  backends: pluginSections('backend'),
  storages: pluginSections('storage'),
  monitorings: pluginSections('monitoring'),
  job: jobDefaultsSchema.prefault({}).describe('Defaults of the options of every job.'),
});

/** The configuration's own keys, with all defaults in place. */
export type Config = Omit<z.output<typeof configSchema>, (typeof SECTION_OF_KIND)[PluginKind]>;

/** The configuration as it may be written: everything may be left out. */
export interface ConfigInput extends Omit<z.input<typeof configSchema>, 'backend' | 'storage' | 'monitoring'> {
  readonly backend?: string | BackendPlugin;
  readonly storage?: string | StoragePlugin;
  readonly monitoring?: string | MonitoringPlugin;
}

/** Types a configuration written in TypeScript: `export const config = defineConfig({ backend: 'k8s' })`. */
export const defineConfig = (config: ConfigInput): ConfigInput => config;

/** The section that holds the options of a kind's plugins. */
export const SECTION_OF_KIND = {
  backend: 'backends',
  storage: 'storages',
  monitoring: 'monitorings',
} as const satisfies Record<PluginKind, keyof z.output<typeof configSchema>>;
