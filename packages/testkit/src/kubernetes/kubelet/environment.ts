/** The variables of a container, as the kubelet puts them together. */
import type { Node } from '../objects/cluster.ts';
import type { Container, EnvironmentVariable, Pod } from '../objects/pod.ts';
import { parseQuantity } from '../objects/quantity.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** Something that the container refers to is not there: it waits with `CreateContainerConfigError`. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
}

export interface EnvironmentContext {
  readonly store: ObjectStore;
  readonly pod: Pod;
  readonly node: Node;
}

export function resolveEnvironment(container: Container, context: EnvironmentContext): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { prefix = '', secretRef, configMapRef } of container.envFrom ?? []) {
    if (secretRef !== undefined) addAll(env, prefix, readSecret(context, secretRef.name, secretRef.optional));
    if (configMapRef !== undefined)
      addAll(env, prefix, readConfigMap(context, configMapRef.name, configMapRef.optional));
  }
  for (const variable of container.env ?? []) {
    const value = valueOf(variable, container, context);
    if (value !== undefined) env[variable.name] = variable.value === undefined ? value : expand(value, env);
  }
  return env;
}

/** Fills in `$(NAME)`; `$$(NAME)` stays as `$(NAME)`, and names that nobody set stay as they are. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([^()]*)\)/g, (all, name?: string) =>
    name === undefined ? '$' : (env[name] ?? all),
  );
}

/** The value behind a `fieldRef`, for variables and for files of the downward API. */
export function fieldValue(pod: Pod, path: string): string {
  const [, kind, key = ''] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  if (kind === 'labels') return pod.metadata.labels?.[key] ?? '';
  if (kind === 'annotations') return pod.metadata.annotations?.[key] ?? '';
  const { metadata, spec, status } = pod;
  const list = (map: Record<string, string> = {}): string =>
    Object.entries(map)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join('\n');
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'metadata.labels': list(metadata.labels),
    'metadata.annotations': list(metadata.annotations),
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName,
    'status.hostIP': status.hostIP,
    'status.podIP': status.podIP,
    'status.podIPs': status.podIP,
  };
  return fields[path] ?? '';
}

/** The data of a secret, decoded; refuses a missing one unless it is optional. */
export function readSecret({ store, pod }: EnvironmentContext, name: string, optional = false): Record<string, Buffer> {
  const secret = store.get('secrets', { namespace: pod.metadata.namespace, name });
  if (secret === undefined && !optional) throw new ContainerConfigError(`secret "${name}" not found`);
  return Object.fromEntries(
    Object.entries(secret?.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')]),
  );
}

export function readConfigMap(
  { store, pod }: EnvironmentContext,
  name: string,
  optional = false,
): Record<string, Buffer> {
  const configMap = store.get('configmaps', { namespace: pod.metadata.namespace, name });
  if (configMap === undefined && !optional) throw new ContainerConfigError(`configmap "${name}" not found`);
  const text = Object.entries(configMap?.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const);
  const binary = Object.entries(configMap?.binaryData ?? {}).map(
    ([key, value]) => [key, Buffer.from(value, 'base64')] as const,
  );
  return Object.fromEntries([...text, ...binary]);
}

function addAll(env: Record<string, string>, prefix: string, data: Record<string, Buffer>): void {
  for (const [key, value] of Object.entries(data)) env[prefix + key] = value.toString();
}

function valueOf(
  { value, valueFrom }: EnvironmentVariable,
  container: Container,
  context: EnvironmentContext,
): string | undefined {
  if (valueFrom === undefined) return value ?? '';
  const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  if (fieldRef !== undefined) return fieldValue(context.pod, fieldRef.fieldPath);
  if (resourceFieldRef !== undefined) return resourceValue(resourceFieldRef, container, context.node);
  if (secretKeyRef !== undefined) {
    const { name, key, optional } = secretKeyRef;
    return entryOf(
      readSecret(context, name, optional),
      key,
      `Secret ${context.pod.metadata.namespace}/${name}`,
      optional,
    );
  }
  if (configMapKeyRef === undefined) return '';
  const { name, key, optional } = configMapKeyRef;
  return entryOf(
    readConfigMap(context, name, optional),
    key,
    `ConfigMap ${context.pod.metadata.namespace}/${name}`,
    optional,
  );
}

function entryOf(data: Record<string, Buffer>, key: string, place: string, optional = false): string | undefined {
  const entry = data[key];
  if (entry === undefined && !optional) throw new ContainerConfigError(`couldn't find key ${key} in ${place}`);
  return entry?.toString();
}

/** `limits.cpu` in whole cores, rounded up; a container without a limit has the node's. */
function resourceValue(
  { resource, divisor = '1' }: { resource: string; divisor?: string },
  container: Container,
  node: Node,
): string {
  const [kind = '', name = ''] = resource.split(/\.(.*)/s);
  const { requests = {}, limits = {} } = container.resources ?? {};
  const amount =
    kind === 'requests' ? (requests[name] ?? '0') : (limits[name] ?? node.status.allocatable?.[name] ?? '0');
  const unit = parseQuantity(divisor) || 1;
  return String(Math.ceil(parseQuantity(amount) / unit));
}
