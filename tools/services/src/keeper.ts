/**
 * `keeper.ts NAME`: the process that owns a service. It starts it, keeps it while anyone needs it, and stops it.
 *
 * Tests lease the service: each holds a connection to the keeper, which ends with the test's process whatever happens to
 * it. Twenty seconds after the last lease (the next package's tests may be about to begin) the service is stopped and
 * its data are removed; so a test run leaves nothing behind, and nobody needs to start or stop anything by hand.
 */
import { mkdir } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { isServiceName, type RunningService, type ServiceName } from './definition.ts';
import { ensureInstalled } from './install.ts';
import { endLeftovers } from './leftovers.ts';
import { forget, serviceFolder, socketAddress } from './place.ts';
import { isCommand, readLine, type Answer, type Command } from './protocol.ts';
import { SERVICES } from './services.ts';

const IDLE_MS = Number(process.env['SERVICES_IDLE_MS'] ?? 20_000);

class Keeper {
  readonly #name: ServiceName;
  readonly #server = createServer((socket) => void this.#serve(socket));
  readonly #leases = new Set<Socket>();
  #started: Promise<RunningService> | undefined;
  #held = false;
  #idle: NodeJS.Timeout | undefined;
  #ending: Promise<void> | undefined;

  constructor(name: ServiceName) {
    this.#name = name;
  }

  run(): void {
    // Another keeper may have been faster: then that one serves.
    this.#server.once('error', () => process.exit(0));
    this.#server.listen(socketAddress(this.#name), () => this.#rest());
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void this.#end('down'));
  }

  async #serve(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy());
    const command = await readLine(socket);
    if (command === undefined || !isCommand(command)) return void socket.destroy();
    const answer = `${JSON.stringify(await this.#obey(command, socket))}\n`;
    // A lease is this connection: it ends with the other side.
    if (command === 'lease') socket.write(answer);
    else socket.end(answer);
  }

  async #obey(command: Command, socket: Socket): Promise<Answer> {
    if (command === 'stop' || command === 'down') {
      await this.#end(command);
      return { stopped: true };
    }
    if (command === 'status') return this.#started === undefined ? { stopped: true } : this.#answer();
    if (command === 'hold') this.#held = true;
    else this.#lease(socket);
    clearTimeout(this.#idle);
    const answer = await this.#answer();
    this.#rest();
    return answer;
  }

  async #answer(): Promise<Answer> {
    try {
      return { environment: (await (this.#started ??= this.#start())).environment };
    } catch (error) {
      void this.#end('down');
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }

  #lease(socket: Socket): void {
    this.#leases.add(socket);
    socket.once('close', () => {
      this.#leases.delete(socket);
      this.#rest();
    });
  }

  /** Ends when nobody has needed the service for a while. */
  #rest(): void {
    clearTimeout(this.#idle);
    if (this.#held || this.#leases.size > 0) return;
    this.#idle = setTimeout(() => void this.#end('down'), IDLE_MS);
  }

  async #start(): Promise<RunningService> {
    const folder = serviceFolder(this.#name);
    const definition = SERVICES[this.#name];
    await ensureInstalled(definition, (line) => console.log(line));
    await mkdir(folder, { recursive: true });
    endLeftovers(folder);
    const service = await definition.start({ folder, bind: process.env['SERVICES_BIND'] });
    void service.failed.then((sentence) => {
      if (this.#ending !== undefined) return;
      console.error(sentence);
      void this.#end('stop');
    });
    return service;
  }

  #end(how: 'stop' | 'down'): Promise<void> {
    this.#ending ??= (async () => {
      clearTimeout(this.#idle);
      const service = await this.#started?.catch(() => undefined);
      await service?.stop();
      endLeftovers(serviceFolder(this.#name));
      if (how === 'down') await forget(this.#name);
      this.#server.close();
      // The sockets of those who asked get their answer first.
      setTimeout(() => process.exit(0), 100);
    })();
    return this.#ending;
  }
}

const name = process.argv[2] ?? '';
if (!isServiceName(name)) throw new Error(`no such service: ${name}`);
new Keeper(name).run();
