/**
 * The master's HTTP: who may ask, how much, and for what. Thin and distrustful: a request is let in by its token before its
 * body is read, its body is limited and checked, and every refusal is logged and changes nothing.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeEnvelope, encodeEnvelope, type Logger } from '@splitrock/core/plugin';
import type { z } from 'zod';
import { TOKEN_HEADER, parseToken, type AccessToken } from '../protocol/access-token.ts';
import { MASTER_HEADER, MAX_REQUEST_BYTES, REFUSALS, Refusal } from '../protocol/refusals.ts';

/** As much of a refused request is received and dropped. */
const MOST_UNREAD_BYTES = 4 * MAX_REQUEST_BYTES;

/** What a handler is given: who asks, what, and when the asker is gone. */
export interface Asked<Header> {
  readonly token: AccessToken;
  readonly header: Header;
  readonly body: Uint8Array;
  /** Resolves when the asker went away before it had its answer. */
  readonly gone: Promise<void>;
}

export interface Answer {
  readonly header: unknown;
  readonly body?: readonly Uint8Array[];
}

export interface Route<Header = unknown> {
  readonly role: AccessToken['role'];
  readonly schema: z.ZodType<Header>;
  handle(asked: Asked<Header>): Promise<Answer> | Answer;
}

export interface RequestServerDeps {
  readonly routes: Readonly<Record<string, Route>>;
  readonly epoch: string;
  readonly logger: Logger;
  /** Whether the token is what it says. @throws Refusal */
  admit(token: AccessToken): Promise<void>;
}

export class RequestServer {
  readonly #deps: RequestServerDeps;
  readonly #server: Server;

  constructor(deps: RequestServerDeps) {
    this.#deps = deps;
    // Long polls are held by us, not by whoever sends a request slowly.
    const limits = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 60_000 };
    this.#server = createServer(limits, (request, response) => {
      void this.#serve(request, response);
    });
  }

  /** Resolves to the port. */
  async listen(host: string, port: number): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Never rejects. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    // An asker that goes away in the middle is no concern of ours.
    response.on('error', () => {});
    request.on('error', () => {});
    const gone = new Promise<void>((resolve) =>
      response.once('close', () => {
        if (!response.writableFinished) resolve();
      }),
    );
    try {
      const { header, body = [] } = await this.#answer(request, path, gone);
      this.#send(response, 200, 'application/octet-stream', encodeEnvelope('M', header, body));
    } catch (error) {
      this.#refuse(request, response, path, error);
    }
  }

  async #answer(request: IncomingMessage, path: string, gone: Promise<void>): Promise<Answer> {
    const token = this.#tokenOf(request);
    const route = Object.hasOwn(this.#deps.routes, path) ? this.#deps.routes[path] : undefined;
    if (route === undefined) throw new Refusal('MASTER_NO_SUCH_REQUEST');
    if (request.method !== 'POST') throw new Refusal('MASTER_METHOD_REFUSED');
    if (token.role !== route.role) throw new Refusal('MASTER_TOKEN_REFUSED', `a ${token.role}'s`);
    await this.#deps.admit(token);
    const { header, body } = parse(await read(request));
    const parsed = route.schema.safeParse(header);
    if (!parsed.success) {
      const paths = parsed.error.issues.map((issue) => issue.path.join('.') || '(all)').join(', ');
      throw new Refusal('MASTER_REQUEST_INVALID', paths);
    }
    return route.handle({ token, header: parsed.data, body, gone });
  }

  #tokenOf(request: IncomingMessage): AccessToken {
    const shown = request.headers[TOKEN_HEADER];
    const token = typeof shown === 'string' ? parseToken(shown) : undefined;
    if (token === undefined) throw new Refusal('MASTER_TOKEN_MISSING');
    return token;
  }

  #refuse(request: IncomingMessage, response: ServerResponse, path: string, error: unknown): void {
    const refusal = error instanceof Refusal ? error : new Refusal('MASTER_FAILED');
    const { status, message } = REFUSALS[refusal.code];
    const facts = {
      code: refusal.code,
      path: path.slice(0, 100),
      from: request.socket.remoteAddress,
      why: refusal.why,
    };
    if (refusal.code === 'MASTER_FAILED') this.#deps.logger.error('a request failed', { ...facts, error });
    // Comes up with every start anew, and harms nobody.
    else if (refusal.code === 'MASTER_SESSION_UNKNOWN') this.#deps.logger.debug('a request was refused', facts);
    else this.#deps.logger.warn('a request was refused', facts);
    // What is still to come of it is let go by: closed in the middle of it, the asker would see its connection break and
    // never the answer. Of what has no end in sight it is closed all the same.
    if (!request.complete && !isShort(request)) response.setHeader('connection', 'close');
    this.#send(response, status, 'application/json', Buffer.from(JSON.stringify({ code: refusal.code, message })));
    if (!request.complete) request.resume();
  }

  #send(response: ServerResponse, status: number, type: string, content: Uint8Array): void {
    if (response.headersSent || response.destroyed) return;
    response.writeHead(status, {
      'content-type': type,
      'content-length': content.length,
      [MASTER_HEADER]: this.#deps.epoch,
    });
    response.end(content);
  }
}

const isShort = ({ headers }: IncomingMessage): boolean =>
  Number(headers['content-length'] ?? Infinity) <= MOST_UNREAD_BYTES;

async function read(request: IncomingMessage): Promise<Uint8Array> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_REQUEST_BYTES) throw new Refusal('MASTER_REQUEST_TOO_LARGE');
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop would cut the connection before the answer is out.
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= MAX_REQUEST_BYTES) return void chunks.push(chunk);
      request.off('data', onData);
      reject(new Refusal('MASTER_REQUEST_TOO_LARGE'));
    };
    request.on('data', onData);
    request.once('end', resolve);
    request.once('close', () => reject(new Refusal('MASTER_REQUEST_INVALID', 'cut off')));
  });
  return Buffer.concat(chunks);
}

function parse(bytes: Uint8Array): { readonly header: unknown; readonly body: Uint8Array } {
  try {
    return decodeEnvelope('M', bytes, 'Request');
  } catch {
    throw new Refusal('MASTER_REQUEST_INVALID', 'no envelope');
  }
}
