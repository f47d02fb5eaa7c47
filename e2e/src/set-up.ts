/** Sets up what the suites need, and takes it down: cluster, services, image. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster, type Cluster, type StartClusterOptions } from '@splitrock/cluster';
import { isOwnService, leaseService, removeService } from '@splitrock/services';
import { buildRuntime, type RuntimeManifest } from '@splitrock/runtime-image';

/** What the suites get; see `surroundings.ts`. */
export interface Surroundings {
  readonly kubeconfig: string;
  /** Whether nodes and the API server may be taken away. */
  readonly canBreak: boolean;
  /** Addresses of the services, good on this machine and in pods: `SPLITROCK_TEST_…`. */
  readonly services: Readonly<Record<string, string>>;
  /** Whether the services are these suites' own, to be taken away and given back, and commanded. */
  readonly ownServices: boolean;
  /** The worker image, which the nodes have. */
  readonly image: string;
  /** Absent for an image that `SPLITROCK_E2E_IMAGE` names. */
  readonly manifest?: RuntimeManifest;
}

const SERVICES = ['rabbitmq', 'redis', 's3'] as const;
const IMAGE = 'localhost/splitrock-e2e';

/** Runs `work` with everything there, and takes it all down after it, whatever became of it. */
export async function withSurroundings<T>(
  work: (surroundings: Surroundings) => Promise<T>,
  stop: AbortSignal,
  options: StartClusterOptions = {},
): Promise<T> {
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const cluster = await timed('cluster', () => startCluster(options));
    undo.push(() => cluster.stop());
    stop.throwIfAborted();
    const starting = timed('services', () => startServices(cluster, undo));
    const building = timed('image', () => provideImage(cluster, undo));
    // Both end before anything is taken down.
    await Promise.allSettled([starting, building]);
    const [services, image] = await Promise.all([starting, building]);
    stop.throwIfAborted();
    const { kubeconfig, canBreak } = cluster;
    const ownServices = SERVICES.every((name) => isOwnService(name));
    return await work({ kubeconfig, canBreak, ownServices, services, ...image });
  } finally {
    for (const step of undo.toReversed()) await step();
  }
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  console.log(`${what}: ready after ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  return result;
}

async function startServices(cluster: Cluster, undo: (() => Promise<unknown>)[]): Promise<Record<string, string>> {
  // Servers of these suites' own, which listen where pods reach them.
  process.env['SERVICES_SCOPE'] ??= 'e2e';
  if (cluster.hostAddress !== undefined) process.env['SERVICES_BIND'] = cluster.hostAddress;
  undo.push(() => Promise.all(SERVICES.map((name) => removeService(name))));
  const leases = await Promise.all(SERVICES.map((name) => leaseService(name)));
  return Object.assign({}, ...leases.map(({ environment }) => environment)) as Record<string, string>;
}

async function provideImage(
  cluster: Cluster,
  undo: (() => Promise<unknown>)[],
): Promise<Pick<Surroundings, 'image' | 'manifest'>> {
  const given = process.env['SPLITROCK_E2E_IMAGE'];
  if (given !== undefined && given !== '') return { image: given };
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-e2e-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  await keepImagesIn(folder);
  const output = join(folder, 'image.tar');
  const base = process.env['SPLITROCK_E2E_BASE'] || 'scratch';
  const { image = '', manifest } = await buildRuntime({
    image: IMAGE,
    base,
    output,
    projectFolder: import.meta.dirname,
  });
  await cluster.loadImage(output);
  return { image, manifest };
}

/** buildah's images and podman's go into a folder that is removed; docker has none but its own. */
async function keepImagesIn(folder: string): Promise<void> {
  const file = join(folder, 'storage.conf');
  const places = `graphroot = "${join(folder, 'images')}"\nrunroot = "${join(folder, 'run')}"`;
  await writeFile(file, `[storage]\ndriver = "vfs"\n${places}\n`);
  process.env['CONTAINERS_STORAGE_CONF'] = file;
}
