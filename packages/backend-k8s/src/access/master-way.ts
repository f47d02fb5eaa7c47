/** How a request gets to the master: straight to its pod, or through the API server. */
import { Agent, request as send, type IncomingHttpHeaders } from 'node:http';
import type { KubeClient } from '@splitrock/k8s-common';
import type { MasterRecord } from '../protocol/records.ts';

export interface WayRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface WayAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export interface MasterWay {
  ask(master: MasterRecord, request: WayRequest): Promise<WayAnswer>;
  close(): void;
}

/** For whoever is in the pods' network. */
export class DirectWay implements MasterWay {
  readonly #agent = new Agent({ keepAlive: true });

  ask({ ip, port }: MasterRecord, { path, headers, body, timeoutMs, signal }: WayRequest): Promise<WayAnswer> {
    return new Promise((resolve, reject) => {
      const timeout = AbortSignal.timeout(timeoutMs);
      const request = send({
        host: ip,
        port,
        path,
        method: 'POST',
        agent: this.#agent,
        headers: { ...headers, 'content-type': 'application/octet-stream', 'content-length': body.length },
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => void chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      });
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** For whoever reaches the API server only. */
export class ProxyWay implements MasterWay {
  readonly #client: KubeClient;
  readonly #namespace: string;

  constructor(client: KubeClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  ask({ pod, port }: MasterRecord, request: WayRequest): Promise<WayAnswer> {
    const { path, ...rest } = request;
    return this.#client.askPod({ namespace: this.#namespace, name: pod, port, path }, rest);
  }

  /** The client is its owner's. */
  close(): void {}
}
