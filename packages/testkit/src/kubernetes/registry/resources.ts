/** The resources that the simulated API serves, and what sets each apart. */
import type { KubernetesObject } from '../objects/metadata.ts';
import type { Event, Job, Namespace, Node, ResourceName, ResourceObjects, Secret } from '../objects/cluster.ts';
import type { Pod } from '../objects/pod.ts';

export type ObjectOf<R extends ResourceName> = ResourceObjects[R];

export interface Resource {
  readonly name: ResourceName;
  readonly kind: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly namespaced: boolean;
  /** Whether `…/status` is a subresource, so that writes to the object leave its status alone. */
  readonly hasStatus: boolean;
  /** Whether DELETE answers with the object; else with a `Status`. */
  readonly returnsDeleted: boolean;
  /** What DELETE does to dependents when the request does not say. */
  readonly defaultPropagation: 'Background' | 'Orphan';
  /** Which fields a field selector may name, beside the object's name and namespace. */
  readonly selectableFields: SelectableFields;
}

type SelectableFields = Readonly<Record<string, (object: KubernetesObject) => string>>;

/** The table of one kind's fields; a resource only ever reads its own objects with it. */
function fieldsOf<O extends KubernetesObject>(
  fields: Readonly<Record<string, (object: O) => string>>,
): SelectableFields {
  return fields as unknown as SelectableFields;
}

const DEFAULTS = {
  shortNames: [],
  group: '',
  version: 'v1',
  namespaced: true,
  hasStatus: false,
  returnsDeleted: false,
  defaultPropagation: 'Background',
  selectableFields: {},
} as const;

const POD_FIELDS = fieldsOf<Pod>({
  'spec.nodeName': (pod) => pod.spec.nodeName ?? '',
  'spec.restartPolicy': (pod) => pod.spec.restartPolicy ?? '',
  'spec.schedulerName': (pod) => pod.spec.schedulerName ?? '',
  'spec.serviceAccountName': (pod) => pod.spec.serviceAccountName ?? '',
  'status.phase': (pod) => pod.status.phase,
  'status.podIP': (pod) => pod.status.podIP ?? '',
  'status.nominatedNodeName': (pod) => pod.status.nominatedNodeName ?? '',
});

const EVENT_FIELDS = fieldsOf<Event>({
  'involvedObject.kind': (event) => event.involvedObject.kind,
  'involvedObject.namespace': (event) => event.involvedObject.namespace ?? '',
  'involvedObject.name': (event) => event.involvedObject.name,
  'involvedObject.uid': (event) => event.involvedObject.uid ?? '',
  'involvedObject.apiVersion': (event) => event.involvedObject.apiVersion ?? '',
  'involvedObject.resourceVersion': (event) => event.involvedObject.resourceVersion ?? '',
  'involvedObject.fieldPath': (event) => event.involvedObject.fieldPath ?? '',
  reason: (event) => event.reason,
  reportingComponent: (event) => event.reportingComponent,
  source: (event) => event.source.component ?? event.reportingComponent,
  type: (event) => event.type,
});

/** Every resource by its name in paths. */
export const RESOURCES: { readonly [R in ResourceName]: Resource } = {
  configmaps: { ...DEFAULTS, name: 'configmaps', kind: 'ConfigMap', singular: 'configmap', shortNames: ['cm'] },
  events: {
    ...DEFAULTS,
    name: 'events',
    kind: 'Event',
    singular: 'event',
    shortNames: ['ev'],
    selectableFields: EVENT_FIELDS,
  },
  jobs: {
    ...DEFAULTS,
    name: 'jobs',
    kind: 'Job',
    singular: 'job',
    group: 'batch',
    hasStatus: true,
    defaultPropagation: 'Orphan',
    selectableFields: fieldsOf<Job>({ 'status.successful': (job) => String(job.status.succeeded ?? 0) }),
  },
  leases: { ...DEFAULTS, name: 'leases', kind: 'Lease', singular: 'lease', group: 'coordination.k8s.io' },
  namespaces: {
    ...DEFAULTS,
    name: 'namespaces',
    kind: 'Namespace',
    singular: 'namespace',
    shortNames: ['ns'],
    namespaced: false,
    hasStatus: true,
    selectableFields: fieldsOf<Namespace>({ 'status.phase': (namespace) => namespace.status.phase }),
  },
  nodes: {
    ...DEFAULTS,
    name: 'nodes',
    kind: 'Node',
    singular: 'node',
    shortNames: ['no'],
    namespaced: false,
    hasStatus: true,
    selectableFields: fieldsOf<Node>({ 'spec.unschedulable': (node) => String(node.spec.unschedulable ?? false) }),
  },
  pods: {
    ...DEFAULTS,
    name: 'pods',
    kind: 'Pod',
    singular: 'pod',
    shortNames: ['po'],
    hasStatus: true,
    returnsDeleted: true,
    selectableFields: POD_FIELDS,
  },
  priorityclasses: {
    ...DEFAULTS,
    name: 'priorityclasses',
    kind: 'PriorityClass',
    singular: 'priorityclass',
    shortNames: ['pc'],
    group: 'scheduling.k8s.io',
    namespaced: false,
  },
  resourcequotas: {
    ...DEFAULTS,
    name: 'resourcequotas',
    kind: 'ResourceQuota',
    singular: 'resourcequota',
    shortNames: ['quota'],
    hasStatus: true,
    returnsDeleted: true,
  },
  secrets: {
    ...DEFAULTS,
    name: 'secrets',
    kind: 'Secret',
    singular: 'secret',
    selectableFields: fieldsOf<Secret>({ type: (secret) => secret.type ?? '' }),
  },
  serviceaccounts: {
    ...DEFAULTS,
    name: 'serviceaccounts',
    kind: 'ServiceAccount',
    singular: 'serviceaccount',
    shortNames: ['sa'],
    returnsDeleted: true,
  },
};

/** `v1`, `batch/v1`. */
export function apiVersionOf({ group, version }: Pick<Resource, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}

export function isResourceName(name: string): name is ResourceName {
  return Object.hasOwn(RESOURCES, name);
}

/** The value of a selectable field, or undefined where the resource has no such field. */
export function selectableField(resource: Resource, field: string): ((object: KubernetesObject) => string) | undefined {
  if (field === 'metadata.name') return (object) => object.metadata.name;
  if (field === 'metadata.namespace' && resource.namespaced) return (object) => object.metadata.namespace ?? '';
  return resource.selectableFields[field];
}

/** How other objects refer to this one. */
export function referenceTo(object: KubernetesObject): {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  uid: string;
  resourceVersion: string;
} {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  const { apiVersion, kind } = object;
  return { apiVersion, kind, ...(namespace === undefined ? {} : { namespace }), name, uid, resourceVersion };
}
