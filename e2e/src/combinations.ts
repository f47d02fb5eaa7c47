/** The backends, storages and monitorings that the one program of the matrix runs on. A new one is one more row. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SimulatedPods } from './simulated-pods.ts';
import { address } from './surroundings.ts';
import type { World } from './world.ts';

export interface Surrounding {
  readonly world: World;
  readonly simulated: SimulatedPods;
  /** Where an ssh server is: `SPLITROCK_TEST_SSH_…`. */
  readonly ssh: Readonly<Record<string, string>>;
  /** This combination's own. */
  readonly folder: string;
}

interface Choice {
  readonly name: string;
  options(surrounding: Surrounding): object;
}

export interface BackendChoice extends Choice {
  /** As the configuration names it, if not by its name. */
  readonly module?: string;
  /** Where it runs, for people. */
  readonly title: string;
  /** What its workers reach. */
  readonly storages: readonly string[];
}

export interface Combination {
  readonly backend: BackendChoice;
  readonly storage: Choice;
  readonly monitoring: Choice;
}

const SERVERS = ['s3', 'redis'];
/** Of somebody else, as far as Splitrock is concerned; `npm run check:outside` uses it as an installed package. */
const SSH_PLUGIN = fileURLToPath(new URL('../../examples/plugins/backend-ssh/src/index.ts', import.meta.url));

export const BACKENDS: readonly BackendChoice[] = [
  {
    title: 'localhost',
    name: 'localhost',
    storages: ['local', ...SERVERS],
    options: () => ({ workerProcesses: 2 }),
  },
  {
    title: 'k8s-rabbitmq, simulated cluster',
    name: 'k8s-rabbitmq',
    // Its pods are processes of this machine.
    storages: ['local'],
    options: ({ world, simulated }) => ({ ...simulated.options, amqp: { url: world.brokerUrl } }),
  },
  {
    title: 'k8s-rabbitmq, real cluster',
    name: 'k8s-rabbitmq',
    storages: SERVERS,
    options: ({ world }) => ({ ...world.podOptions, idleTimeoutSeconds: 5, amqp: { url: world.brokerUrl } }),
  },
  {
    title: 'k8s, simulated cluster',
    name: 'k8s',
    storages: ['local'],
    options: ({ simulated }) => ({ ...simulated.options, master: { idleSeconds: 5 } }),
  },
  {
    title: 'k8s, real cluster',
    name: 'k8s',
    storages: SERVERS,
    options: ({ world }) => ({ ...world.podOptions, master: { idleSeconds: 60 } }),
  },
  {
    title: 'ssh, a plugin from outside',
    name: 'ssh',
    module: SSH_PLUGIN,
    // One host, which is this machine.
    storages: ['local', ...SERVERS],
    options: ({ ssh, folder }) => ({
      hosts: [ssh['SPLITROCK_TEST_SSH_HOST']],
      identityFile: ssh['SPLITROCK_TEST_SSH_IDENTITY_FILE'],
      knownHostsFile: ssh['SPLITROCK_TEST_SSH_KNOWN_HOSTS_FILE'],
      directory: join(folder, 'runtimes'),
      slots: 2,
    }),
  },
];

export const STORAGES: readonly Choice[] = [
  { name: 'local', options: ({ folder }) => ({ directory: join(folder, 'storage') }) },
  { name: 's3', options: ({ world }) => world.s3 },
  { name: 'redis', options: ({ world }) => ({ url: redisUrl(), keyPrefix: `${world.tenant}:` }) },
];

export const MONITORINGS: readonly Choice[] = [
  { name: 'storage', options: () => ({}) },
  { name: 'rabbitmq', options: ({ world }) => ({ url: world.brokerUrl }) },
  { name: 'redis', options: ({ world }) => ({ url: redisUrl(), keyPrefix: `${world.tenant}:status:` }) },
];

const redisUrl = (): string => address('SPLITROCK_TEST_REDIS_URL');
