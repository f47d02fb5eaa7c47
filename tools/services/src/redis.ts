import { mkdir } from 'node:fs/promises';
import { Daemon, firstEnd, freePorts, isListening } from './daemon.ts';
import type { RunningService, ServiceDefinition, ServicePlace } from './definition.ts';
import { rememberedPorts } from './remembered-ports.ts';

export interface RedisServerOptions {
  readonly folder: string;
  /** @defaultValue a free one */
  readonly port?: number;
  readonly bind?: string | undefined;
  /** Further options as on the command line: `['--requirepass', 'secret']`. */
  readonly args?: readonly string[];
}

/** Reachable without a password, and every write in the append-only file. */
const SETTINGS = ['--protected-mode', 'no', '--save', '', '--appendonly', 'yes'];

/** A Redis server of one's own, for tests that kill it. Its append-only file brings the data back at the same folder. */
export async function startRedisServer(options: RedisServerOptions): Promise<{ daemon: Daemon; port: number }> {
  await mkdir(options.folder, { recursive: true });
  const port = options.port ?? (await freePorts(1))[0] ?? 0;
  const addresses = ['127.0.0.1', ...(options.bind === undefined ? [] : [options.bind])];
  const daemon = new Daemon({
    name: 'redis-server',
    folder: options.folder,
    command: 'redis-server',
    args: [
      '--port',
      String(port),
      '--bind',
      ...addresses,
      '--dir',
      options.folder,
      ...SETTINGS,
      ...(options.args ?? []),
    ],
  });
  await daemon.until(() => isListening(port), 20_000);
  return { daemon, port };
}

async function start({ folder, bind }: ServicePlace): Promise<RunningService> {
  const [port] = await rememberedPorts(folder, 1);
  const { daemon } = await startRedisServer({ folder, bind, ...(port === undefined ? {} : { port }) });
  return {
    environment: { SPLITROCK_TEST_REDIS_URL: `redis://${bind ?? '127.0.0.1'}:${port}` },
    failed: firstEnd([daemon]),
    stop: () => daemon.stop(),
  };
}

export const redis: ServiceDefinition = {
  name: 'redis',
  variables: ['SPLITROCK_TEST_REDIS_URL'],
  programs: ['redis-server'],
  packages: ['redis-server'],
  start,
};
