/** A way to the broker that can be cut for good, as it is when whoever uses it dies. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class CuttableLink {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(url: string, server: Server, sockets: Set<Socket>) {
    this.url = url;
    this.#server = server;
    this.#sockets = sockets;
  }

  static async to(brokerUrl: string): Promise<CuttableLink> {
    const url = new URL(brokerUrl);
    const [host, port] = [url.hostname, Number(url.port || 5672)];
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const far = connect({ host, port, noDelay: true });
      near.setNoDelay(true);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket.pipe(other);
        socket.on('error', () => other.destroy());
        socket.on('close', () => other.destroy());
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    return new CuttableLink(url.href, server, sockets);
  }

  /** Idempotent. */
  cut(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
