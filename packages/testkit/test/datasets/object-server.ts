/** An HTTP server with one object, which does what servers do, and what they should not. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong with an answer. Each is used up by one request. */
export type Fault =
  /** Answers with this status and a page that is not the object. */
  | { readonly status: number; readonly headers?: Record<string, string> }
  /** Closes the connection after so many bytes of the body. */
  | { readonly cutAfter: number }
  /** Ends the body early, or goes on after its end, without a word of it in the headers. */
  | { readonly bodyBytes: number; readonly chunked: true };

export class ObjectServer {
  content: Buffer = Buffer.alloc(0);
  /** `undefined`: the server tells none. */
  etag: string | undefined = '"1"';
  lastModified: string | undefined;
  ranges = true;
  /** Without it, answers that are not of a range do not tell the size. */
  tellsLength = true;
  encoding: string | undefined;
  /** Sends the body byte by byte, a turn of the event loop apart. */
  slow = false;
  /** Applied to the next requests for the object that are no probes for its first byte. */
  readonly faults: Fault[] = [];
  /** Applied to the next probes. */
  readonly probeFaults: Fault[] = [];
  /** `Range` of each request for the object, or `all`. */
  readonly requests: string[] = [];
  readonly authorizations: (string | undefined)[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<ObjectServer> {
    const server = new ObjectServer();
    await once(server.#server.listen(0, '127.0.0.1'), 'listening');
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** `/object` is the object, `/redirect/3` leads to it in three steps, `/circle` nowhere. */
  get url(): string {
    return `${this.origin}/object`;
  }

  reset(): void {
    this.content = Buffer.alloc(0);
    this.etag = '"1"';
    this.lastModified = undefined;
    this.encoding = undefined;
    this.ranges = true;
    this.tellsLength = true;
    this.slow = false;
    for (const list of [this.faults, this.probeFaults, this.requests, this.authorizations]) list.length = 0;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const hops = /^\/redirect\/(\d+)$/.exec(path)?.[1];
    if (hops !== undefined) {
      const location = hops === '1' ? '/object' : `/redirect/${Number(hops) - 1}`;
      return void response.writeHead(302, { location }).end('this is not the object');
    }
    if (path === '/circle') return void response.writeHead(302, { location: '/circle' }).end();
    if (path !== '/object') return void response.writeHead(404).end('this is not the object');
    const { range } = request.headers;
    this.requests.push(range ?? 'all');
    this.authorizations.push(request.headers.authorization);
    const fault = (range === 'bytes=0-0' ? this.probeFaults : this.faults).shift();
    if (fault !== undefined && 'status' in fault) {
      return void response.writeHead(fault.status, fault.headers).end('this is not the object');
    }
    await this.#send(this.#rangeOf(request), response, fault);
  }

  /** The bytes that are asked for; `undefined`: all of them, `nothing`: there are none. */
  #rangeOf(request: IncomingMessage): { start: number; end: number } | 'nothing' | undefined {
    const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const condition = request.headers['if-range'];
    if (!this.ranges || match === null || (condition !== undefined && condition !== this.etag)) return undefined;
    const start = Number(match[1]);
    if (start >= this.content.length) return 'nothing';
    return { start, end: match[2] === '' ? this.content.length : Math.min(Number(match[2]) + 1, this.content.length) };
  }

  async #send(
    range: { start: number; end: number } | 'nothing' | undefined,
    response: ServerResponse,
    fault: Exclude<Fault, { status: number }> | undefined,
  ): Promise<void> {
    const size = this.content.length;
    if (this.etag !== undefined) response.setHeader('etag', this.etag);
    if (this.lastModified !== undefined) response.setHeader('last-modified', this.lastModified);
    if (this.encoding !== undefined) response.setHeader('content-encoding', this.encoding);
    if (range === 'nothing') return void response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    let body = range === undefined ? this.content : this.content.subarray(range.start, range.end);
    if (range !== undefined) response.setHeader('content-range', `bytes ${range.start}-${range.end - 1}/${size}`);
    const isChunked = fault !== undefined && 'chunked' in fault;
    if (!isChunked && (this.tellsLength || range !== undefined)) response.setHeader('content-length', body.length);
    if (isChunked) {
      body = Buffer.concat([body, Buffer.alloc(Math.max(0, fault.bodyBytes - body.length), '?')]).subarray(
        0,
        fault.bodyBytes,
      );
    }
    response.writeHead(range === undefined ? 200 : 206);
    if (fault !== undefined && 'cutAfter' in fault) {
      response.write(body.subarray(0, fault.cutAfter), () => response.destroy());
      return;
    }
    if (this.slow) {
      for (const byte of body) {
        response.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      return void response.end();
    }
    response.end(body);
  }
}
