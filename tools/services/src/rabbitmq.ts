import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Daemon, firstEnd, isListening } from './daemon.ts';
import type { RunningService, ServiceDefinition, ServicePlace } from './definition.ts';
import { rememberedPorts } from './remembered-ports.ts';

const run = promisify(execFile);

// Debian's wrapper in /usr/sbin changes to another user; the script behind it does not.
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const CONTROL = '/usr/lib/rabbitmq/bin/rabbitmqctl';
const NODE_NAME = 'splitrock@localhost';

export interface RabbitmqServerOptions {
  readonly folder: string;
  readonly bind?: string | undefined;
}

export interface RabbitmqServer {
  readonly daemon: Daemon;
  readonly port: number;
  /** Runs `rabbitmqctl`; gives what it prints. */
  control(...args: string[]): Promise<string>;
  /** SIGKILL; resolves when nothing of it is left. */
  kill(): Promise<void>;
  /** Stops it in order, with what was started along with it. */
  stop(): Promise<void>;
}

/** The ports of a server in its folder, and what it and its commands are started with. */
async function placeOf(folder: string) {
  const [port = 0, distributionPort = 0, epmdPort = 0] = await rememberedPorts(folder, 3);
  // An epmd (Erlang's name server) of its own, so that nothing stays behind; the cookie lies in HOME.
  const environment = {
    HOME: folder,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: NODE_NAME,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
  };
  return { port, epmdPort, environment };
}

/** Runs `rabbitmqctl` on the broker that was started in the folder; gives what it prints. */
export async function controlRabbitmq(folder: string, ...args: string[]): Promise<string> {
  const { environment } = await placeOf(folder);
  const options = { env: { ...process.env, ...environment }, timeout: 30_000 };
  return (await run(CONTROL, ['-q', '-n', NODE_NAME, ...args], options)).stdout;
}

/** A broker of one's own, for tests that kill it. Started again in its folder it has its port and data again. */
export async function startRabbitmqServer({ folder, bind }: RabbitmqServerOptions): Promise<RabbitmqServer> {
  await mkdir(folder, { recursive: true });
  const { port, epmdPort, environment } = await placeOf(folder);
  const listeners = [`listeners.tcp.1 = 127.0.0.1:${port}`];
  if (bind !== undefined) listeners.push(`listeners.tcp.2 = ${bind}:${port}`);
  await writeFile(join(folder, 'rabbitmq.conf'), [...listeners, 'loopback_users = none', ''].join('\n'));
  await writeFile(join(folder, 'enabled_plugins'), '[].\n');
  const daemon = new Daemon({ name: 'rabbitmq', folder, command: SERVER, args: [], environment });
  await daemon.until(() => isListening(port), 90_000);
  const env = { ...process.env, ...environment };
  const control = (...args: string[]): Promise<string> => controlRabbitmq(folder, ...args);
  return {
    daemon,
    port,
    control,
    async kill() {
      daemon.signal('SIGKILL');
      await daemon.exited;
      // The script that started it may be gone before the broker is.
      while (await isListening(port)) await pause(10);
    },
    async stop() {
      if (daemon.running) await control('stop').catch(() => undefined);
      await daemon.stop();
      await run('epmd', ['-port', String(epmdPort), '-kill'], { env, timeout: 10_000 }).catch(() => undefined);
    },
  };
}

async function start({ folder, bind }: ServicePlace): Promise<RunningService> {
  const server = await startRabbitmqServer({ folder, bind });
  return {
    environment: { SPLITROCK_TEST_AMQP_URL: `amqp://guest:guest@${bind ?? '127.0.0.1'}:${server.port}` },
    failed: firstEnd([server.daemon]),
    stop: () => server.stop(),
  };
}

export const rabbitmq: ServiceDefinition = {
  name: 'rabbitmq',
  variables: ['SPLITROCK_TEST_AMQP_URL'],
  programs: [SERVER],
  packages: ['rabbitmq-server'],
  start,
};
