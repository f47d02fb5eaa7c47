/** Schemas of the pieces of Kubernetes that users write in options; the words are Kubernetes' own. */
import { z } from 'zod';
import { isQuantity, parseQuantity, wholeUnits } from '../quantities/quantity.ts';

const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

const positiveQuantity = z
  .union([z.string(), z.number()])
  .transform(String)
  .refine((text) => isQuantity(text) && parseQuantity(text) > 0n, 'must be a quantity above 0, such as 500m or 2Gi');

/** `2`, `"2"`, `"1500m"`: a number is as good as its text. */
export const cpuQuantity = positiveQuantity.refine(
  (text) => !isQuantity(text) || parseQuantity(text) % 1_000_000n === 0n,
  'must be a multiple of 1m',
);
export const memoryQuantity = positiveQuantity.refine(
  (text) => !isQuantity(text) || wholeUnits(text) >= 4 * 1024 * 1024,
  'must be at least 4Mi; without a suffix it is in bytes',
);

export const kubeName = z.string().regex(DNS_SUBDOMAIN, 'must be the name of a Kubernetes object: a-z, 0-9, - and .');
export const labelKey = z.string().regex(LABEL_KEY, 'must be a Kubernetes label key');
export const labelMap = z.record(labelKey, z.string().regex(LABEL_VALUE, 'must be a Kubernetes label value'));

export const tolerationSchema = z
  .strictObject({
    key: z.string().optional(),
    operator: z.enum(['Exists', 'Equal']).optional(),
    value: z.string().optional(),
    effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
    tolerationSeconds: z.int().optional(),
  })
  .refine(({ key, operator }) => (key !== undefined && key !== '') || operator === 'Exists', {
    error: 'without a key needs `operator: Exists`',
    path: ['operator'],
  });

const requirementSchema = z.strictObject({
  key: z.string().min(1),
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']),
  values: z.array(z.string()).optional(),
});

const nodeTermSchema = z.strictObject({
  matchExpressions: z.array(requirementSchema).optional(),
  matchFields: z.array(requirementSchema).optional(),
});

/** Required node affinity is read here, to know which nodes count; the rest is passed on as it is. */
export const affinitySchema = z.strictObject({
  nodeAffinity: z
    .strictObject({
      requiredDuringSchedulingIgnoredDuringExecution: z
        .strictObject({ nodeSelectorTerms: z.array(nodeTermSchema).min(1) })
        .optional(),
      preferredDuringSchedulingIgnoredDuringExecution: z.array(z.looseObject({})).optional(),
    })
    .optional(),
  podAffinity: z.looseObject({}).optional(),
  podAntiAffinity: z.looseObject({}).optional(),
});

const SOURCES = ['claim', 'configMap', 'secret', 'emptyDir'] as const;

export const volumeSchema = z
  .strictObject({
    mountPath: z.string().regex(/^\/[^:]*$/, 'must be an absolute path without a colon'),
    subPath: z.string().min(1).optional(),
    readOnly: z.boolean().optional().describe('Default: true, but for `emptyDir`.'),
    claim: kubeName.optional().describe('The name of a PersistentVolumeClaim.'),
    configMap: kubeName.optional().describe('The name of a ConfigMap.'),
    secret: kubeName.optional().describe('The name of a Secret.'),
    emptyDir: z
      .strictObject({ sizeLimit: memoryQuantity.optional(), medium: z.enum(['', 'Memory']).optional() })
      .optional()
      .describe('An empty folder that goes with the pod.'),
  })
  .refine((volume) => SOURCES.filter((source) => volume[source] !== undefined).length === 1, {
    error: `give exactly one of ${SOURCES.join(', ')}`,
  });

const groupId = z.int().min(0).max(2_147_483_647);

const localhostOrRuntime = z
  .strictObject({
    type: z.enum(['RuntimeDefault', 'Localhost', 'Unconfined']),
    localhostProfile: z.string().min(1).optional(),
  })
  .refine(({ type, localhostProfile }) => (type === 'Localhost') === (localhostProfile !== undefined), {
    error: 'goes with `type: Localhost`, which needs it',
    path: ['localhostProfile'],
  });

/** What of a pod's and a container's security context is the user's to choose; the rest is what "restricted" asks. */
export const securityContextSchema = z.strictObject({
  runAsGroup: groupId.optional().describe('Group id of the workers. Default: `runAsUser`.'),
  fsGroup: groupId.optional().describe('Group id that owns volumes. Default: `runAsUser`.'),
  fsGroupChangePolicy: z.enum(['Always', 'OnRootMismatch']).optional().describe('When volumes get that group.'),
  supplementalGroups: z.array(groupId).optional().describe('More groups, such as those of a shared file system.'),
  seLinuxOptions: z
    .strictObject({
      user: z.string().optional(),
      role: z.string().optional(),
      type: z.string().optional(),
      level: z.string().optional(),
    })
    .optional()
    .describe('SELinux label of the workers.'),
  seccompProfile: localhostOrRuntime.optional().describe('Default: `type: RuntimeDefault`.'),
  readOnlyRootFilesystem: z.boolean().default(true).describe('`false` for images whose programs write beside `/tmp`.'),
  addCapabilities: z
    .array(z.string().regex(/^(?!CAP_)[A-Z][A-Z_]*$/, 'must be a Linux capability without CAP_, such as SYS_PTRACE'))
    .default([])
    .describe('Linux capabilities that workers keep; "restricted" allows NET_BIND_SERVICE alone.'),
});
