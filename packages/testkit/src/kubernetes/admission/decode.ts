/** What fails while the API server decodes a body, before any validation: a 400, without causes. */
import { badRequest } from '../api-error.ts';
import type { JobSpec } from '../objects/cluster.ts';
import type { PodSpec } from '../objects/pod.ts';
import { isQuantity } from '../objects/quantity.ts';
import { apiVersionOf, type Resource } from '../registry/resources.ts';

type Body = Record<string, unknown>;

/** The body as an object of the resource; refuses what could not be decoded into one. */
export function decode(resource: Resource, body: unknown): Body {
  const { kind, version } = resource;
  const refuse = (why: string): never => {
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
  };
  if (!isBody(body)) return refuse('json: cannot unmarshal into Go value');
  if (body['kind'] !== undefined && body['kind'] !== kind) {
    throw badRequest(
      `the kind in the data (${JSON.stringify(body['kind'])}) does not match the expected kind (${kind})`,
    );
  }
  const expected = apiVersionOf(resource);
  if (body['apiVersion'] !== undefined && body['apiVersion'] !== expected) {
    throw badRequest(
      `the API version in the data (${JSON.stringify(body['apiVersion'])}) does not match the expected API version (${expected})`,
    );
  }
  const metadata = body['metadata'] ?? {};
  if (!isBody(metadata)) return refuse('json: cannot unmarshal into Go struct field .metadata of type v1.ObjectMeta');
  for (const field of ['labels', 'annotations'])
    refuseOtherThanText(metadata[field], `ObjectMeta.metadata.${field}`, refuse);
  const spec = podSpecOf(resource, body);
  if (spec !== undefined) decodePodSpec(spec, refuse);
  if (resource.name === 'secrets') refuseBadBase64(body['data'], refuse);
  return { ...body, apiVersion: expected, kind, metadata };
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function podSpecOf({ name }: Resource, body: Body): Partial<PodSpec> | undefined {
  if (name === 'pods') return body['spec'] ?? {};
  return name === 'jobs' ? ((body['spec'] as Partial<JobSpec> | undefined)?.template?.spec ?? {}) : undefined;
}

function decodePodSpec(spec: Partial<PodSpec>, refuse: (why: string) => never): void {
  refuseOtherThanText(spec.nodeSelector, 'PodSpec.spec.nodeSelector', refuse);
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    for (const list of [container.resources?.requests, container.resources?.limits]) {
      const wrong = Object.entries(list ?? {}).find(([, amount]) => !isQuantity(amount));
      if (wrong !== undefined) {
        const pattern = '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$';
        refuse(
          `quantities must match the regular expression '${pattern}', found ${JSON.stringify(wrong[1])} for ${wrong[0]}`,
        );
      }
    }
    for (const { value } of container.env ?? []) {
      if (value !== undefined && typeof value !== 'string') {
        refuse(
          `json: cannot unmarshal ${typeof value} into Go struct field EnvVar.spec.containers.env.value of type string`,
        );
      }
    }
  }
}

function refuseOtherThanText(map: unknown, field: string, refuse: (why: string) => never): void {
  if (map === undefined || map === null) return;
  if (!isBody(map)) refuse(`json: cannot unmarshal into Go struct field ${field} of type map[string]string`);
  const wrong = Object.values(map).find((value) => typeof value !== 'string');
  if (wrong !== undefined)
    refuse(`json: cannot unmarshal ${typeof wrong} into Go struct field ${field} of type string`);
}

function refuseBadBase64(data: unknown, refuse: (why: string) => never): void {
  const values = isBody(data) ? Object.values(data) : [];
  const wrong = values.findIndex(
    (text) => typeof text !== 'string' || Buffer.from(text, 'base64').toString('base64') !== text,
  );
  if (wrong >= 0) refuse(`illegal base64 data at input byte ${wrong}`);
}
