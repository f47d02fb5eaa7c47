/** Talks to the keeper of a service, and starts one where there is none. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ServiceName } from './definition.ts';
import { missingPrograms, whyNotInstallable } from './install.ts';
import { keeperLog, serviceFolder, socketAddress } from './place.ts';
import { readLine, type Answer, type Command } from './protocol.ts';
import { controlRabbitmq } from './rabbitmq.ts';
import { SERVICES } from './services.ts';

const KEEPER = fileURLToPath(new URL('keeper.ts', import.meta.url));
const KEEPER_START_MS = 30_000;

/** A service that is there while the lease is not released and this process lives. */
export interface Lease {
  readonly environment: Readonly<Record<string, string>>;
  release(): void;
}

/** The service that the environment's variables name, or `undefined` when one of them is missing. */
function fromEnvironment(name: ServiceName): Readonly<Record<string, string>> | undefined {
  const found: Record<string, string> = {};
  for (const variable of SERVICES[name].variables) {
    const value = process.env[variable];
    if (value === undefined || value === '') return undefined;
    found[variable] = value;
  }
  return found;
}

/** Why no such service can be had here; `undefined` when {@link leaseService} can try. */
export function whyUnavailable(name: ServiceName): string | undefined {
  if (fromEnvironment(name) !== undefined) return undefined;
  const definition = SERVICES[name];
  const advice = `set ${definition.variables.join(', ')} to use a server of yours`;
  if (process.platform !== 'linux') return `servers are started on Linux only; ${advice}`;
  const missing = missingPrograms(definition);
  const reason = whyNotInstallable();
  if (missing.length === 0 || reason === undefined) return undefined;
  return `${missing.join(', ')} not found, and ${reason}; install ${definition.packages.join(' ')}, or ${advice}`;
}

/**
 * Gets a service: one that the environment names, one that runs already for this clone, or one started (and, for root on
 * Debian, installed) now.
 */
export async function leaseService(name: ServiceName): Promise<Lease> {
  const environment = fromEnvironment(name);
  if (environment !== undefined) return { environment, release: () => {} };
  const { answer, socket } = await ask(name, 'lease');
  if (!('environment' in answer)) {
    socket.destroy();
    throw new Error(`${name} could not be started: ${'error' in answer ? answer.error : 'it was stopped'}`);
  }
  socket.unref();
  return { environment: answer.environment, release: () => void socket.destroy() };
}

/** Gives a command to the keeper; starts a keeper for the commands that want the service up. */
export async function command(name: ServiceName, what: Exclude<Command, 'lease'>): Promise<Answer> {
  if (what !== 'hold') {
    const socket = await tryConnect(name);
    if (socket === undefined) return { stopped: true };
    socket.destroy();
  }
  const { answer, socket } = await ask(name, what);
  socket.destroy();
  return answer;
}

/** Takes a service away, keeping its data, from everyone who uses it. */
export const stopService = (name: ServiceName): Promise<Answer> => command(name, 'stop');

/** Gives it back at the same address, and keeps it until {@link removeService}. */
export const restartService = (name: ServiceName): Promise<Answer> => command(name, 'hold');

/** Runs `rabbitmqctl` on the broker that {@link leaseService} started for this clone; gives what it prints. */
export const controlBroker = (...args: string[]): Promise<string> =>
  controlRabbitmq(serviceFolder('rabbitmq'), ...args);

/** Whether the service is this clone's own, to be taken away and given back, and none that the environment names. */
export const isOwnService = (name: ServiceName): boolean => fromEnvironment(name) === undefined;

/** Ends a service and removes its data. */
export const removeService = (name: ServiceName): Promise<Answer> => command(name, 'down');

async function ask(name: ServiceName, what: Command): Promise<{ answer: Answer; socket: Socket }> {
  const socket = await connectToKeeper(name);
  socket.write(`${what}\n`);
  const line = await readLine(socket);
  if (line === undefined) return { answer: { error: `its keeper ended; see ${keeperLog(name)}` }, socket };
  return { answer: JSON.parse(line) as Answer, socket };
}

async function connectToKeeper(name: ServiceName): Promise<Socket> {
  const deadline = performance.now() + KEEPER_START_MS;
  for (let startedAny = false; ;) {
    const socket = await tryConnect(name);
    if (socket !== undefined) return socket;
    if (performance.now() > deadline) throw new Error(`the keeper of ${name} does not answer; see ${keeperLog(name)}`);
    if (!startedAny) startKeeper(name);
    startedAny = true;
    await pause(50);
  }
}

const tryConnect = (name: ServiceName): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ path: socketAddress(name) });
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });

function startKeeper(name: ServiceName): void {
  mkdirSync(serviceFolder(name), { recursive: true });
  const log = openSync(keeperLog(name), 'a');
  // It outlives the test that needed it first; others may be using the service by then.
  spawn(process.execPath, [KEEPER, name], { detached: true, stdio: ['ignore', log, log], cwd: '/' }).unref();
  closeSync(log);
}
