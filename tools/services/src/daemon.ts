/** A server process that this process starts, watches and stops, by its own id. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface DaemonOptions {
  readonly name: string;
  /** Gets `<name>.log`. */
  readonly folder: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export class Daemon {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves with what the process ended with. */
  readonly exited: Promise<string>;
  #running = true;

  constructor({ name, folder, command, args, environment }: DaemonOptions) {
    this.name = name;
    this.logFile = join(folder, `${name}.log`);
    const log = openSync(this.logFile, 'a');
    // A process group of its own: a Ctrl-C meant for the tests must not end the server before it is stopped in order.
    const child = spawn(command, args, {
      cwd: folder,
      detached: true,
      env: { ...process.env, ...environment },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.exited = Promise.race([
      once(child, 'exit').then(([code, signal]: unknown[]) => `exit ${String(signal ?? code)}`),
      once(child, 'error').then(([error]: unknown[]) => String(error)),
    ]).then((end) => {
      this.#running = false;
      return end;
    });
    this.pid = child.pid ?? 0;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Asks it to end, with force after `graceMs`. */
  async stop(graceMs = 10_000): Promise<void> {
    if (this.#running) this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    await this.exited;
    clearTimeout(timer);
  }

  /** Signals the whole process group; some servers are started by a script. */
  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // it has just ended by itself
    }
  }

  /** Polls until `check` holds; fails when the process ends or `timeoutMs` pass, with the end of its log. */
  async until(check: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await check())) {
      if (!this.#running) throw new Error(`${this.name} ended: ${await this.exited}\n${await this.#logEnd()}`);
      if (performance.now() > deadline) throw new Error(`${this.name} did not start in time\n${await this.#logEnd()}`);
      await pause(50);
    }
  }

  async #logEnd(): Promise<string> {
    const log = await readFile(this.logFile, 'utf8').catch(() => '');
    return log.split('\n').slice(-15).join('\n');
  }
}

/** Whether something accepts connections on a port of this machine. */
export const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** Ports that nobody uses now. Found all at once, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** A sentence about the first of several daemons that ends. */
export const firstEnd = (daemons: readonly Daemon[]): Promise<string> =>
  Promise.race(daemons.map(async ({ name, exited, logFile }) => `${name} ended (${await exited}); see ${logFile}`));
