/** What the API server does with each kind of object, put together. */
import { forbidden } from '../api-error.ts';
import { defaultPodSpec, defaultTolerations, qosClass } from '../admission/pod-defaults.ts';
import { admitPodSecurity } from '../admission/pod-security.ts';
import { admitQuota } from '../admission/quota.ts';
import { checkDataKey, invalidValue, required } from '../admission/field-checks.ts';
import { defaultJob, validateJob, validateJobUpdate } from '../admission/jobs.ts';
import { resolvePriority } from '../admission/priority.ts';
import { validatePodSpec } from '../admission/validate-pod.ts';
import { validatePodUpdate } from '../admission/validate-pod-update.ts';
import type { ConfigMap, Secret } from '../objects/cluster.ts';
import type { Pod } from '../objects/pod.ts';
import { toTimestamp } from '../objects/timestamps.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Clock } from '@splitrock/core/plugin';
import { RESOURCES } from './resources.ts';
import type { Strategies } from './strategy.ts';

export interface StrategySettings {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** How long pods stay on a node that does not answer, in seconds, unless they say otherwise. */
  readonly defaultTolerationSeconds: number;
}

export function createStrategies({ store, clock, defaultTolerationSeconds }: StrategySettings): Strategies {
  return {
    pods: {
      prepareCreate(pod) {
        defaultPodSpec(pod.spec);
        admitServiceAccount(store, pod);
        resolvePriority(store, pod);
        defaultTolerations(pod.spec, defaultTolerationSeconds);
        pod.status = { phase: 'Pending' };
      },
      validate: (pod) => validatePodSpec(pod.spec, 'spec'),
      validateUpdate: validatePodUpdate,
      admit(pod) {
        pod.status.qosClass = qosClass(pod);
        admitPodSecurity(store, pod);
        admitQuota(store, 'pods', pod);
      },
    },
    jobs: {
      prepareCreate: defaultJob,
      validate: validateJob,
      validateUpdate: validateJobUpdate,
      prepareUpdate(job, previous) {
        if (JSON.stringify(job.spec) !== JSON.stringify(previous.spec)) {
          job.metadata.generation = (previous.metadata.generation ?? 1) + 1;
        }
      },
      admit: (job) => admitQuota(store, 'jobs', job),
    },
    nodes: {
      prepareCreate(node) {
        node.spec ??= {};
        node.status ??= {};
      },
    },
    namespaces: {
      prepareCreate(namespace) {
        namespace.metadata.labels = {
          ...namespace.metadata.labels,
          'kubernetes.io/metadata.name': namespace.metadata.name,
        };
        namespace.spec = { finalizers: ['kubernetes'] };
        namespace.status = { phase: 'Active' };
      },
    },
    resourcequotas: {
      prepareCreate(quota) {
        quota.spec ??= {};
        quota.status = {};
      },
    },
    secrets: {
      prepareCreate: encodeStringData,
      prepareUpdate: encodeStringData,
      validate: ({ data = {} }) => Object.keys(data).flatMap((key) => checkDataKey(`data[${key}]`, key)),
      validateUpdate: (secret, previous) => validateDataUpdate(secret, previous),
      admit: (secret) => admitQuota(store, 'secrets', secret),
    },
    configmaps: {
      validate: ({ data = {} }) => Object.keys(data).flatMap((key) => checkDataKey(`data[${key}]`, key)),
      validateUpdate: (configMap, previous) => validateDataUpdate(configMap, previous),
      admit: (configMap) => admitQuota(store, 'configmaps', configMap),
    },
    leases: {
      validate({ spec }) {
        const seconds = spec?.leaseDurationSeconds ?? 1;
        return seconds > 0 ? [] : [invalidValue('spec.leaseDurationSeconds', seconds, 'must be greater than 0')];
      },
    },
    events: {
      prepareCreate(event) {
        const now = toTimestamp(clock.now());
        event.firstTimestamp ??= event.eventTime == null ? now : null;
        event.lastTimestamp ??= event.firstTimestamp;
        event.eventTime ??= null;
        event.source ??= {};
        event.reportingComponent ??= '';
        event.reportingInstance ??= '';
      },
      validate: ({ involvedObject, metadata }) =>
        involvedObject?.namespace === undefined || involvedObject.namespace === metadata.namespace
          ? []
          : [invalidValue('involvedObject.namespace', involvedObject.namespace, 'does not match event.namespace')],
    },
    serviceaccounts: {},
    priorityclasses: {
      validate: ({ value }) => (value === undefined ? [required('value')] : []),
    },
  };
}

function admitServiceAccount(store: ObjectStore, pod: Pod): void {
  const name = (pod.spec.serviceAccountName ||= pod.spec.serviceAccount || 'default');
  pod.spec.serviceAccount = name;
  const { namespace } = pod.metadata;
  if (store.get('serviceaccounts', { namespace, name }) !== undefined) return;
  const why = `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`;
  throw forbidden(RESOURCES.pods, pod.metadata.name, why);
}

function encodeStringData(secret: Secret): void {
  secret.type ??= 'Opaque';
  if (secret.stringData === undefined) return;
  secret.data = { ...secret.data };
  for (const [key, text] of Object.entries(secret.stringData)) secret.data[key] = Buffer.from(text).toString('base64');
  delete secret.stringData;
}

function validateDataUpdate(object: Secret | ConfigMap, previous: Secret | ConfigMap): ReturnType<typeof checkDataKey> {
  const frozen = previous.immutable === true && JSON.stringify(object.data) !== JSON.stringify(previous.data);
  const message = 'Forbidden: field is immutable when `immutable` is set';
  const causes = frozen ? [{ reason: 'FieldValueForbidden', message, field: 'data' } as const] : [];
  const [type, before] = [object, previous].map((data) => ('type' in data ? data.type : undefined));
  return type === before ? causes : [...causes, invalidValue('type', type, 'field is immutable')];
}
