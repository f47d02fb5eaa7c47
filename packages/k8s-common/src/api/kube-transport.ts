/** HTTP to one API server: one request at a time, with a deadline and a signal, or a stream of lines. No retries. */
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { KubeAccess } from './kube-access.ts';
import { KubeApiError, refusal } from './kube-error.ts';

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Bytes are sent as they are, all else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** How long the answer may take to come, in milliseconds; of a stream: to begin. */
  readonly timeoutMs: number;
}

/** A request to a pod: bytes to it, and bytes back. */
export interface PodRequest {
  readonly path: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** How long the answer may take, in milliseconds. */
  readonly timeoutMs: number;
}

export interface PodAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export interface LineReader {
  /** The server has accepted; lines may follow. */
  opened(): void;
  line(text: string): void;
}

export class KubeTransport {
  readonly #access: KubeAccess;

  constructor(access: KubeAccess) {
    this.#access = access;
  }

  /** @throws KubeApiError; the signal's reason when it is aborted. */
  async request(request: KubeRequest): Promise<string> {
    const controller = new AbortController();
    return this.#limited(request, controller, async () => {
      const response = await this.#send(request, controller.signal);
      const text = await textOf(response);
      this.#check(request, response, text);
      return text;
    });
  }

  /** Gives the lines to a reader until the server ends the stream. @throws like {@link request}, when it breaks off, and what the reader throws. */
  async lines(request: KubeRequest, reader: LineReader): Promise<void> {
    const controller = new AbortController();
    const response = await this.#limited(request, controller, async () => {
      const begun = await this.#send(request, controller.signal);
      if (begun.statusCode !== 200) this.#check(request, begun, await textOf(begun));
      return begun;
    });
    reader.opened();
    // A watch lasts; whether the program goes on is decided by its jobs.
    response.socket.unref();
    const abort = (): void => void response.destroy();
    request.signal?.addEventListener('abort', abort, { once: true });
    try {
      let rest = '';
      response.setEncoding('utf8');
      for await (const chunk of response) {
        const lines = `${rest}${chunk as string}`.split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') reader.line(line);
      }
    } catch (error) {
      throw this.#failure(request, error);
    } finally {
      request.signal?.removeEventListener('abort', abort);
      response.destroy();
    }
  }

  /** A POST whose answer is the caller's to judge, whatever its status. @throws like {@link request}, of the connection only. */
  async exchange({ body, headers, ...rest }: PodRequest): Promise<PodAnswer> {
    const request: KubeRequest = { ...rest, method: 'POST', body, headers };
    const controller = new AbortController();
    return this.#limited(request, controller, async () => {
      const response = await this.#send(request, controller.signal);
      return { status: response.statusCode ?? 0, headers: response.headers, body: await bytesOf(response) };
    });
  }

  close(): void {
    this.#access.close();
  }

  async #limited<T>(request: KubeRequest, controller: AbortController, run: () => Promise<T>): Promise<T> {
    const { signal, timeoutMs } = request;
    signal?.throwIfAborted();
    const abort = (): void => controller.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const late = Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
    const timer = setTimeout(() => controller.abort(late), timeoutMs);
    try {
      return await run();
    } catch (error) {
      throw this.#failure(request, controller.signal.aborted ? controller.signal.reason : error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  async #send(
    { method, path, query = {}, body, headers: own }: KubeRequest,
    signal: AbortSignal,
  ): Promise<http.IncomingMessage> {
    const url = new URL(this.#access.server);
    url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`;
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, `${value}`);
    const { headers, ...options } = await this.#access.authorize();
    signal.throwIfAborted();
    const content = contentOf(body);
    const type = body instanceof Uint8Array ? 'application/octet-stream' : 'application/json';
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      ...options,
      method,
      signal,
      headers: {
        ...headers,
        accept: 'application/json',
        'user-agent': 'splitrock',
        ...(content === undefined ? {} : { 'content-type': type, 'content-length': content.length }),
        ...own,
      },
    });
    request.end(content);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    // Nobody may listen between two awaits; what goes wrong there is seen by whoever reads.
    request.on('error', () => {});
    return response;
  }

  #check({ method, path }: KubeRequest, { statusCode = 0, headers }: http.IncomingMessage, text: string): void {
    if (statusCode >= 200 && statusCode < 300) return;
    throw refusal(`${method} ${path}`, statusCode, headers['retry-after'], text);
  }

  #failure(request: KubeRequest, error: unknown): unknown {
    if (request.signal?.aborted === true) return request.signal.reason;
    if (!(error instanceof Error) || error.name === 'ConfigError' || error instanceof KubeApiError) return error;
    return new KubeApiError({
      request: `${request.method} ${request.path}`,
      reason: (error as NodeJS.ErrnoException).code ?? 'CONNECTION',
      words: `${wordsOf(error)} (${this.#access.server.host})`,
      cause: error,
    });
  }
}

/** Several addresses of one name fail as an aggregate without a message of its own. */
const wordsOf = (error: Error): string =>
  error.message !== '' || !(error instanceof AggregateError) ? error.message : String(error.errors[0]);

function contentOf(body: unknown): Uint8Array | undefined {
  if (body === undefined || body instanceof Uint8Array) return body;
  return Buffer.from(JSON.stringify(body));
}

const textOf = async (response: http.IncomingMessage): Promise<string> => (await bytesOf(response)).toString('utf8');

async function bytesOf(response: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
