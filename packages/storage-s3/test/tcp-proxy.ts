/** A proxy between client and store whose connections a test can cut. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cutAfterBytes = Infinity;
  /** Connections cut so far. */
  cuts = 0;

  private constructor(target: URL) {
    this.#server = createServer((client) => this.#join(client, connect(Number(target.port), target.hostname)));
  }

  static async to(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(target));
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts the next `times` connections, each after it has brought so many bytes from the store to the client. */
  cutAnswers(afterBytes: number, times: number): void {
    this.#cutAfterBytes = afterBytes;
    this.#cutsLeft = times;
  }
  #cutsLeft = 0;

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server.close(), 'close');
  }

  #join(client: Socket, store: Socket): void {
    for (const socket of [client, store]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        store.destroy();
      });
    }
    client.pipe(store);
    store.pipe(client);
    let bytes = 0;
    store.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (this.#cutsLeft === 0 || bytes < this.#cutAfterBytes) return;
      this.#cutsLeft--;
      this.cuts++;
      client.destroy();
    });
  }
}
