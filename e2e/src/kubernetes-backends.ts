/**
 * The backends that the suites run on the cluster, and what of the suites is not for all of them. A suite runs the same
 * tests on each; only the configuration differs.
 */
import type { MonitoringName, World } from './world.ts';

/** What tests may need that not every backend has. */
type Trait = 'kept workers' | 'a broker';

export interface KubernetesBackend {
  readonly name: 'k8s-rabbitmq' | 'k8s';
  /** What it does not have, and why. Tests that need that are skipped, in everybody's sight. */
  readonly lacks: Readonly<Partial<Record<Trait, string>>>;
  /** Where status is written. The classic backend brings it to clients itself, so that a storage does. */
  readonly monitoring: MonitoringName;
  /** Options that only this backend has. */
  own(world: Pick<World, 'brokerUrl'>, amqp?: Readonly<Record<string, unknown>>): object;
  /** Whole CPUs that its own pods take from workers, on one node. */
  readonly takenCpus: number;
  /** Options with which everything leaves soon after the last job. */
  readonly shortLived: Readonly<Record<string, unknown>>;
}

export const WORK_QUEUE: KubernetesBackend = {
  name: 'k8s-rabbitmq',
  lacks: {},
  monitoring: 'rabbitmq',
  own: ({ brokerUrl }, amqp) => ({ amqp: { url: brokerUrl, ...amqp } }),
  takenCpus: 0,
  shortLived: { idleTimeoutSeconds: 3 },
};

export const CLASSIC: KubernetesBackend = {
  name: 'k8s',
  lacks: {
    'kept workers': 'workers belong to a job and go with it: none waits for the next job, or serves two',
    'a broker': 'it needs none',
  },
  monitoring: 'storage',
  own: () => ({}),
  // Of that on which its master asks for a part, no worker has the whole.
  takenCpus: 1,
  shortLived: { idleTimeoutSeconds: 3, keepJobsSeconds: 1, master: { idleSeconds: 3 } },
};

/** Those named in SPLITROCK_E2E_BACKENDS, all unless it is set. */
const wanted = process.env['SPLITROCK_E2E_BACKENDS']?.split(',');

export const KUBERNETES_BACKENDS: readonly KubernetesBackend[] = [WORK_QUEUE, CLASSIC].filter(
  ({ name }) => wanted?.includes(name) ?? true,
);

export const lacks = (backend: KubernetesBackend, trait: Trait): boolean => trait in backend.lacks;
