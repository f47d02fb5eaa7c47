/** What plugins are called, and how they are set, where workers run: in an image, inside the cluster's network. */
import { ConfigError, type PluginRef, type WorkerPlugins } from '@splitrock/core/plugin';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const overrides = z.record(z.string(), z.unknown());

export const workerPluginsSchema = z
  .strictObject({
    storage: overrides.optional().describe('Options of the storage that differ in workers, such as its `endpoint`.'),
    monitoring: overrides.optional().describe('Options of the monitoring that differ in workers, such as its `url`.'),
    dataStorages: z
      .record(z.string(), overrides)
      .optional()
      .describe('The same of further storages, by the plugin’s name.'),
  })
  .default({})
  .describe('What workers set otherwise, where pods reach services under other addresses than this program.');

type Differing = z.output<typeof workerPluginsSchema>;

/**
 * The plugins as a worker in an image names and sets them. It finds packages by name, as the image was built of packages;
 * a module on the client's disk that belongs to none cannot be there.
 *
 * @throws ConfigError `CONFIG_INVALID` for such a module.
 */
export function pluginsInImage<Plugins extends Partial<WorkerPlugins>>(
  plugins: Plugins,
  differing: Differing,
): Plugins {
  const { backend, storage, monitoring, dataStorages } = plugins;
  const further = dataStorages?.map((ref) => inImage('storage', ref, differing.dataStorages?.[ref.name]));
  return {
    ...plugins,
    ...(backend === undefined ? {} : { backend: inImage('backend', backend) }),
    ...(storage === undefined ? {} : { storage: inImage('storage', storage, differing.storage) }),
    ...(monitoring === undefined ? {} : { monitoring: inImage('monitoring', monitoring, differing.monitoring) }),
    ...(further === undefined ? {} : { dataStorages: further }),
  };
}

/** Whole options are taken over what the client has, one by one; their values are not merged. */
function inImage(kind: string, ref: PluginRef, differing: Readonly<Record<string, unknown>> = {}): PluginRef {
  const options = Object.keys(differing).length === 0 ? ref.options : { ...(ref.options as object), ...differing };
  return { ...ref, module: moduleInImage(kind, ref), options };
}

function moduleInImage(kind: string, { module, name }: PluginRef): string {
  if (!module.startsWith('file:')) return module;
  for (let folder = new URL('.', module); ; folder = new URL('..', folder)) {
    const found = packageNameIn(folder);
    if (found !== undefined) return found;
    if (folder.pathname === new URL('..', folder).pathname) break;
  }
  throw new ConfigError(
    'CONFIG_INVALID',
    `Workers in an image cannot have the ${kind} plugin ${name}: its module belongs to no package [module=${module}]; ` +
      'make a package of it and build the image with `splitrock runtime build --plugin <package>`.',
  );
}

function packageNameIn(folder: URL): string | undefined {
  try {
    const manifest = JSON.parse(readFileSync(fileURLToPath(new URL('package.json', folder)), 'utf8')) as {
      readonly name?: unknown;
    };
    return typeof manifest.name === 'string' ? manifest.name : undefined;
  } catch {
    return undefined;
  }
}
