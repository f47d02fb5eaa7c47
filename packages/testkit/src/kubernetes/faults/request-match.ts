import type { ResourceName } from '../objects/cluster.ts';
import type { Verb } from '../http/api-request.ts';

/** Which requests are meant; what is left out may be anything. */
export interface RequestMatch {
  readonly verb?: Verb | readonly Verb[];
  readonly resource?: ResourceName;
  readonly subresource?: 'status' | 'log' | 'eviction' | 'binding' | 'proxy';
  readonly namespace?: string;
  readonly name?: string | RegExp;
}

/** One request to the API, as the log keeps it. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly userAgent: string;
  readonly atMs: number;
  /** These are undefined for what is not about an object: `/version`, discovery. */
  readonly verb: Verb | undefined;
  readonly resource: ResourceName | undefined;
  readonly subresource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** The HTTP status, once it is answered. */
  readonly status: number | undefined;
}

export function matchesRequest(match: RequestMatch, request: Omit<LoggedRequest, 'status' | 'atMs'>): boolean {
  const { verb, resource, subresource, namespace, name } = match;
  const verbs = typeof verb === 'string' ? [verb] : (verb ?? []);
  return (
    (verb === undefined || (request.verb !== undefined && verbs.includes(request.verb))) &&
    (resource === undefined || resource === request.resource) &&
    (subresource === undefined || subresource === request.subresource) &&
    (namespace === undefined || namespace === request.namespace) &&
    matchesName(name, request.name)
  );
}

function matchesName(wanted: string | RegExp | undefined, name = ''): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === 'string' ? wanted === name : wanted.test(name);
}
