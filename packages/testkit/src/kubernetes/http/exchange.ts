/** One HTTP request and its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, badRequest } from '../api-error.ts';
import type { Json } from '../store/patch.ts';

const MAX_BODY_BYTES = 3 * 1024 * 1024;

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;

  /** Whether the request carries the token. */
  readonly isAuthentic: boolean;

  /** @param token - What clients show as their bearer token, or as the first part of the path. */
  constructor(request: IncomingMessage, response: ServerResponse, token: string) {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const isInPath = url.pathname.startsWith(`/${token}/`);
    if (isInPath) url.pathname = url.pathname.slice(token.length + 1);
    this.isAuthentic = isInPath || request.headers.authorization === `Bearer ${token}`;
    this.request = request;
    this.response = response;
    this.method = request.method ?? 'GET';
    this.path = url.pathname.replace(/(?<=.)\/$/, '');
    this.query = url.searchParams;
  }

  /** The media type of the body, without its parameters. */
  get contentType(): string {
    return (this.request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim() ?? '';
  }

  /** The whole body, or undefined if there is none. */
  async readJson(): Promise<Json | undefined> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) {
        const message = `Request entity too large: limit is ${MAX_BODY_BYTES}`;
        throw new ApiError(413, 'RequestEntityTooLarge', message);
      }
      chunks.push(chunk);
    }
    if (bytes === 0) return undefined;
    try {
      return JSON.parse(Buffer.concat(chunks).toString()) as Json;
    } catch (error) {
      throw badRequest(`couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : ''}`);
    }
  }

  sendJson(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
    if (this.response.headersSent) return;
    this.response.writeHead(status, { 'content-type': 'application/json', ...headers });
    this.response.end(`${JSON.stringify(body)}\n`);
  }

  sendText(status: number, text: string): void {
    this.response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
    this.response.end(text);
  }

  sendError(error: unknown): void {
    const known =
      error instanceof ApiError
        ? error
        : new ApiError(500, 'InternalError', `Internal error occurred: ${String(error)}`);
    const seconds = known.details?.retryAfterSeconds;
    this.sendJson(known.code, known.toStatus(), seconds === undefined ? {} : { 'retry-after': String(seconds) });
  }
}
