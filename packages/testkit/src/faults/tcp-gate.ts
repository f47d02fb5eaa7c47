/** A way to a service that a test can shut: what a broken network or a stopped server is to whoever connects through it. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * @example
 * ```ts
 * const gate = await TcpGate.before('amqp://guest:guest@127.0.0.1:5672');
 * const options = { url: gate.url };
 * gate.shut();
 * await gate.open();
 * ```
 */
export class TcpGate {
  /** The service's address by this way. */
  readonly url: string;
  readonly #server: Server;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, service: URL) {
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    const url = new URL(service);
    url.host = `127.0.0.1:${this.#port}`;
    this.url = url.href;
    server.on('connection', (client) => this.#join(client, connect(Number(service.port), service.hostname)));
  }

  /** An open gate before a service. @param service - its address, with a port. */
  static async before(service: string): Promise<TcpGate> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new TcpGate(server, new URL(service));
  }

  /** Cuts all connections, and refuses new ones. */
  async shut(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await once(this.#server.close(), 'close');
  }

  /** Lets connections through again, at the same address. */
  async open(): Promise<void> {
    if (!this.#server.listening) await once(this.#server.listen(this.#port, '127.0.0.1'), 'listening');
  }

  #join(client: Socket, service: Socket): void {
    for (const socket of [client, service]) {
      this.#sockets.add(socket);
      // A small frame must not wait 40 ms for one that follows.
      socket.setNoDelay(true);
      // An end that breaks is told to the other by its close.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        service.destroy();
      });
    }
    client.pipe(service);
    service.pipe(client);
  }
}
