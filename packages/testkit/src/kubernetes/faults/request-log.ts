import { matchesRequest, type LoggedRequest, type RequestMatch } from './request-match.ts';

/** Every request that reached the API, for tests that count what a client asks. */
export class RequestLog {
  readonly #requests: LoggedRequest[] = [];

  /** In the order in which they came; the same array is added to. */
  get all(): readonly LoggedRequest[] {
    return this.#requests;
  }

  matching(match: RequestMatch): LoggedRequest[] {
    return this.#requests.filter((request) => matchesRequest(match, request));
  }

  count(match: RequestMatch = {}): number {
    return this.matching(match).length;
  }

  clear(): void {
    this.#requests.length = 0;
  }

  /** @internal Notes a request; the returned function notes its answer. */
  add(request: Omit<LoggedRequest, 'status'>): (status: number) => void {
    const entry: { -readonly [K in keyof LoggedRequest]: LoggedRequest[K] } = { ...request, status: undefined };
    this.#requests.push(entry);
    return (status) => {
      entry.status = status;
    };
  }
}
