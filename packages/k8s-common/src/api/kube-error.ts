/** What goes wrong between us and an API server. */
import { BackendError } from '@splitrock/core/plugin';
import type { KubeStatus } from './kube-objects.ts';

export interface KubeFailure {
  /** `GET /api/v1/nodes`. */
  readonly request: string;
  /** HTTP status; absent when there was no answer. */
  readonly status?: number;
  /** The API's word: `AlreadyExists`, `Expired`; of a connection its code: `ECONNREFUSED`. */
  readonly reason: string;
  /** The API's or the system's own sentence. */
  readonly words: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** A request that the API server refused (`KUBE_REQUEST_FAILED`) or did not answer (`BACKEND_UNAVAILABLE`). */
export class KubeApiError extends BackendError {
  readonly status: number | undefined;
  readonly reason: string;
  readonly words: string;
  readonly retryAfterMs: number | undefined;

  constructor({ request, status, reason, words, retryAfterMs, cause }: KubeFailure) {
    const facts = `[request=${request}, ${status === undefined ? '' : `status=${status}, `}reason=${reason}]`;
    super(
      status === undefined ? 'BACKEND_UNAVAILABLE' : 'KUBE_REQUEST_FAILED',
      status === undefined
        ? `The Kubernetes API does not answer ${facts}: ${words}; check the address in the kubeconfig and the network.`
        : `The Kubernetes API refused a request ${facts}: ${words}`,
      { retryable: mayPass(status), details: { request, status, reason, words }, cause },
    );
    this.status = status;
    this.reason = reason;
    this.words = words;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Whether the same request may succeed a moment later, without anybody's doing. */
const mayPass = (status: number | undefined): boolean =>
  status === undefined || status === 429 || (status >= 500 && status !== 501);

/** @param body - A `Status` object if all is well with the server; a proxy before it answers with anything. */
export function refusal(request: string, status: number, retryAfter: string | undefined, body: string): KubeApiError {
  const said = parseStatus(body);
  const seconds = Number(retryAfter ?? said?.details?.retryAfterSeconds);
  return new KubeApiError({
    request,
    status,
    reason: said?.reason ?? `HTTP${status}`,
    words: said?.message ?? `HTTP status ${status}`,
    ...(Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
  });
}

/** Whether an error is the API's answer with this status. */
export const isKubeStatus = (error: unknown, status: number): boolean =>
  error instanceof KubeApiError && error.status === status;

function parseStatus(body: string): KubeStatus | undefined {
  try {
    const value = JSON.parse(body) as KubeStatus | null;
    return value?.kind === 'Status' ? value : undefined;
  } catch {
    return undefined;
  }
}
