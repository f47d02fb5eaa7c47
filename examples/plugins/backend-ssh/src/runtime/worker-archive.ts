/**
 * The worker runtime with the plugins that a program uses, as one archive: a host needs nothing but Node. Named by its
 * SHA-256, so that a host keeps each version once, whoever uses it.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { PluginRef, WorkerPlugins } from '@splitrock/core/plugin';
import { bundleRuntime, type RuntimePlugin } from '@splitrock/runtime-image';

export interface WorkerArchive {
  /** Gzipped JSON: paths and texts. */
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** The plugins as workers that have the archive name them. */
  readonly plugins: WorkerPlugins;
  /** What functions may import there. */
  readonly packages: Readonly<Record<string, string>>;
}

interface Contents extends Omit<WorkerArchive, 'plugins'> {}

/** Of this process: the executors of a program share what they have in common. */
const made = new Map<string, Promise<Contents>>();

export async function workerArchive(plugins: WorkerPlugins): Promise<WorkerArchive> {
  const runtimePlugins = new Map<string, RuntimePlugin>();
  const include = (kind: string, ref: PluginRef): PluginRef => {
    const name = `splitrock-plugin-${kind}-${ref.name}`;
    runtimePlugins.set(name, { name, file: fileOf(ref.module) });
    return { ...ref, module: name };
  };
  const { backend, storage, monitoring, dataStorages } = plugins;
  const included = {
    backend: include('backend', backend),
    storage: include('storage', storage),
    monitoring: include('monitoring', monitoring),
    ...(dataStorages === undefined ? {} : { dataStorages: dataStorages.map((ref) => include('storage', ref)) }),
  };
  const wanted = [...runtimePlugins.values()];
  const key = JSON.stringify(wanted);
  let contents = made.get(key);
  if (contents === undefined) {
    made.set(key, (contents = make(wanted)));
    contents.catch(() => made.delete(key));
  }
  return { ...(await contents), plugins: included };
}

const fileOf = (module: string): string =>
  module.startsWith('file:')
    ? fileURLToPath(module)
    : createRequire(pathToFileURL(join(process.cwd(), 'package.json'))).resolve(module);

async function make(plugins: readonly RuntimePlugin[]): Promise<Contents> {
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-runtime-'));
  try {
    const { packages } = await bundleRuntime({ plugins, projectFolder: process.cwd(), folder });
    const bytes = await promisify(gzip)(JSON.stringify(await filesIn(folder)));
    return { bytes, sha256: createHash('sha256').update(bytes).digest('hex'), packages };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function filesIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const files = paths
    .toSorted()
    .map(async (path) => [relative(folder, path).replaceAll('\\', '/'), await readFile(path, 'utf8')] as const);
  return Object.fromEntries(await Promise.all(files));
}
