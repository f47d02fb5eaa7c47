/** The HTTP server: who may ask, what is asked, and the log of it all. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '@splitrock/core/plugin';
import { ApiError, noSuchPath } from '../api-error.ts';
import type { ApiFaults } from '../faults/api-faults.ts';
import type { RequestLog } from '../faults/request-log.ts';
import type { LoggedRequest } from '../faults/request-match.ts';
import { isResourceName } from '../registry/resources.ts';
import { parseTarget, type Target, type Verb } from './api-request.ts';
import { discoveryDocument } from './discovery.ts';
import { Exchange } from './exchange.ts';
import type { ResourceHandler } from './resource-handler.ts';

export interface ApiServerSettings {
  readonly handler: ResourceHandler;
  readonly log: RequestLog;
  readonly clock: Clock;
  /** What every request must carry. */
  readonly token: string;
}

const HEALTH = new Set(['/healthz', '/livez', '/readyz']);
const ACCESS_REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

export class ApiServer {
  readonly #settings: ApiServerSettings;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #faults: ApiFaults | undefined;

  constructor(settings: ApiServerSettings) {
    this.#settings = settings;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The faults act on requests and on connections, so that they are made with the server and given to it. */
  useFaults(faults: ApiFaults): void {
    this.#faults = faults;
  }

  /** Listens; after a stop again at the same address. */
  async listen(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      void this.#answer(request, response);
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Listens no more and cuts every connection, as a server that is killed. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    this.cutConnections();
    await closed;
  }

  cutConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response, this.#settings.token);
    // A client that went away in the middle is no concern of the server's.
    response.on('error', () => undefined);
    const entry = describeRequest(exchange, this.#settings.clock.now());
    const noteStatus = this.#settings.log.add(entry);
    response.on('close', () => noteStatus(response.statusCode));
    try {
      await this.#route(exchange, entry);
    } catch (error) {
      exchange.sendError(error);
    }
  }

  async #route(exchange: Exchange, entry: LoggedRequest): Promise<void> {
    const { path, method, query } = exchange;
    if (HEALTH.has(path)) {
      exchange.sendText(200, 'ok');
      return;
    }
    if (!exchange.isAuthentic) throw new ApiError(401, 'Unauthorized', 'Unauthorized');
    await this.#faults?.affect(entry);
    const target = parseTarget(method, path, query);
    if (target !== undefined) await this.#settings.handler.handle(exchange, target);
    else if (path === ACCESS_REVIEWS && method === 'POST') await this.#review(exchange);
    else this.#discover(exchange);
  }

  #discover(exchange: Exchange): void {
    const document = discoveryDocument(exchange.path, this.url);
    if (document === undefined) throw noSuchPath();
    exchange.sendJson(200, document);
  }

  /** May I? Yes, unless a fault says otherwise. */
  async #review(exchange: Exchange): Promise<void> {
    const body = (await exchange.readJson()) as { spec?: { resourceAttributes?: Record<string, string> } } | undefined;
    const { verb, resource = '', subresource, namespace, name } = body?.spec?.resourceAttributes ?? {};
    const asked = {
      method: 'POST',
      path: '',
      query: '',
      userAgent: '',
      verb: verb as Verb | undefined,
      resource: isResourceName(resource) ? resource : undefined,
      subresource: subresource === '' ? undefined : subresource,
      namespace: namespace === '' ? undefined : namespace,
      name: name === '' ? undefined : name,
    };
    const allowed = this.#faults?.denies(asked) !== true;
    exchange.sendJson(201, {
      kind: 'SelfSubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      metadata: { creationTimestamp: null },
      spec: body?.spec ?? {},
      status: { allowed },
    });
  }
}

function describeRequest({ method, path, query, request }: Exchange, atMs: number): LoggedRequest {
  const target: Partial<Target> = parseTarget(method, path, query) ?? {};
  return {
    method,
    path,
    query: query.toString(),
    userAgent: request.headers['user-agent'] ?? '',
    atMs,
    verb: target.verb,
    resource: target.resource,
    subresource: target.subresource,
    namespace: target.namespace,
    name: target.name,
    status: undefined,
  };
}
