import type { WorkerPlugins } from '@splitrock/core/plugin';
import type { KubernetesOptions } from './kubernetes-options.ts';
import { pluginsInImage } from './worker-plugins.ts';
import { contentHash } from './bootstrap-secret.ts';

/** Options that say how workers are made and kept, not what they are: pools that differ only in these are one. */
const NOT_OF_WORKERS = [
  'kubeconfig',
  'context',
  'namespace',
  'minWorkers',
  'maxWorkers',
  'startTimeoutSeconds',
  'imagePullPolicy',
] as const satisfies readonly (keyof KubernetesOptions)[];

type WorkerOptions<Options> = Omit<Options, (typeof NOT_OF_WORKERS)[number]>;

/** What of a backend's options workers need to know, so that clients which differ in the rest bring them the same. */
export function workerOptions<Options extends KubernetesOptions>(options: Options): WorkerOptions<Options> {
  const kept = Object.entries(options).filter(([name]) => !(NOT_OF_WORKERS as readonly string[]).includes(name));
  return Object.fromEntries(kept.toSorted(([a], [b]) => (a < b ? -1 : 1))) as WorkerOptions<Options>;
}

/**
 * The name of the pool whose workers are alike in all that matters to calls.
 *
 * @param plugins - What else workers must have in common. Options may hold credentials; the name does not give them away.
 */
export function poolNameOf(options: KubernetesOptions, plugins: Partial<WorkerPlugins>): string {
  const inImage = pluginsInImage(plugins, options.workerPlugins);
  return `p${contentHash(JSON.stringify([workerOptions(options), inImage]))}`;
}
