/** A way to a server that counts what goes over it, of every client that takes it. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';

export class CountingProxy implements AsyncDisposable {
  /** Bytes in both directions so far. */
  bytes = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Stands in front of the server that `url` names, on the same address. */
  static async start(url: string): Promise<{ readonly proxy: CountingProxy; readonly url: string }> {
    const { hostname, port } = new URL(url);
    const server = createServer((client) => {
      const upstream = connect(Number(port), hostname);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        from.setNoDelay(true);
        from.on('data', (chunk: Buffer) => (proxy.bytes += chunk.length));
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    const proxy = new CountingProxy(server);
    server.listen(0, hostname);
    await once(server, 'listening');
    const through = new URL(url);
    through.port = String((server.address() as AddressInfo).port);
    return { proxy, url: through.href };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}
