/** The few requests that setting up a cluster takes; tests use a real client. */
import { request } from 'node:https';
import { API_PORT } from './place.ts';
import { readCredentials } from './pki.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

const TIMEOUT_MS = 10_000;

/** @param patch - sent as a strategic merge patch @throws Error when the server does not answer */
export async function callApi(method: 'GET' | 'PATCH' | 'DELETE', path: string, patch?: unknown): Promise<ApiAnswer> {
  const credentials = await readCredentials();
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: API_PORT,
        method,
        path,
        ...credentials,
        agent: false,
        timeout: TIMEOUT_MS,
        headers: patch === undefined ? {} : { 'content-type': 'application/strategic-merge-patch+json' },
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body })).on('error', reject);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('the API server does not answer'))).on('error', reject);
    outgoing.end(patch === undefined ? undefined : JSON.stringify(patch));
  });
}

/** @throws Error for an answer that is no success */
export async function expectApi(...args: Parameters<typeof callApi>): Promise<string> {
  const { status, body } = await callApi(...args);
  if (status >= 300) throw new Error(`${args[0]} ${args[1]}: ${status} ${body.slice(0, 300)}`);
  return body;
}
