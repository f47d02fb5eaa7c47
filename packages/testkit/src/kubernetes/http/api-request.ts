/** What a request asks for, in the terms of the API. */
import type { ResourceName } from '../objects/cluster.ts';
import { isResourceName, RESOURCES } from '../registry/resources.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

export interface Target {
  readonly resource: ResourceName;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** What is asked of the pod itself; of the subresource `proxy` only. */
  readonly rest?: string;
  readonly verb: Verb;
}

/** The object or collection that a path names, or undefined if it names nothing that the simulation serves. */
export function parseTarget(method: string, path: string, query: URLSearchParams): Target | undefined {
  const segments = path.split('/').slice(1).map(decodeURIComponent);
  const isCore = segments[0] === 'api';
  const group = isCore ? '' : (segments[1] ?? '');
  const version = isCore ? segments[1] : segments[2];
  if (!isCore && segments[0] !== 'apis') return undefined;
  const place = placeOf(segments.slice(isCore ? 2 : 3));
  if (place === undefined) return undefined;
  const definition = RESOURCES[place.resource];
  if (definition.group !== group || definition.version !== version) return undefined;
  if (definition.namespaced && place.namespace === undefined && place.name !== undefined) return undefined;
  const verb = verbOf(method, place.name, query);
  return verb === undefined ? undefined : { ...place, verb };
}

function placeOf(parts: readonly string[]): Omit<Target, 'verb'> | undefined {
  const [first, second, third] = parts;
  const inNamespace = first === 'namespaces' && third !== undefined && isResourceName(third);
  const [resource, name, subresource, ...more] = inNamespace ? parts.slice(2) : parts;
  if (resource === undefined || !isResourceName(resource)) return undefined;
  const namespace = inNamespace ? second : undefined;
  if (subresource === 'proxy') return { resource, namespace, name, subresource, rest: more.join('/') };
  return more.length > 0 ? undefined : { resource, namespace, name, subresource };
}

function verbOf(method: string, name: string | undefined, query: URLSearchParams): Verb | undefined {
  switch (method) {
    case 'GET':
      if (isTrue(query.get('watch'))) return 'watch';
      return name === undefined ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return name === undefined ? undefined : 'update';
    case 'PATCH':
      return name === undefined ? undefined : 'patch';
    case 'DELETE':
      return name === undefined ? 'deletecollection' : 'delete';
    default:
      return undefined;
  }
}

export function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}
