/**
 * The options that the Kubernetes backends share. A backend adds its own to {@link kubernetesOptionsShape} and checks
 * the whole with {@link checkKubernetesOptions}.
 */
import { z } from 'zod';
import { cpuMillis, wholeUnits } from '../quantities/quantity.ts';
import {
  affinitySchema,
  kubeName,
  labelMap,
  labelKey,
  memoryQuantity,
  securityContextSchema,
  tolerationSchema,
  volumeSchema,
} from './kube-schemas.ts';
import { limitsSchema, sizingSchema } from './sizing-schema.ts';
import { workerPluginsSchema } from './worker-plugins.ts';

const OWN_LABELS = 'splitrock.dev/';
/** What the manifest itself sets. */
const RESERVED_ENV = /^SPLITROCK_/;

const connectionShape = {
  kubeconfig: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Path of the kubeconfig. Default: `KUBECONFIG`, then `~/.kube/config`, then, inside a pod, its service account.',
    ),
  context: z.string().min(1).optional().describe('Context of the kubeconfig. Default: its current one.'),
  namespace: kubeName.optional().describe("Where pods and secrets are made. Default: the context's, else `default`."),
};

const imageShape = {
  image: z.string().min(1).describe('The worker image, by tag or digest.'),
  imagePullPolicy: z
    .enum(['Always', 'IfNotPresent', 'Never'])
    .default('IfNotPresent')
    .describe('When nodes pull the image.'),
  imagePullSecrets: z.array(kubeName).default([]).describe('Names of Secrets with the registry’s credentials.'),
  serviceAccount: kubeName
    .optional()
    .describe('Service account of the workers; its token is not mounted. Default: the namespace’s own.'),
};

const sizeShape = {
  sizing: sizingSchema,
  limits: limitsSchema,
  ephemeralStorage: memoryQuantity
    .optional()
    .describe('Disk for a worker’s /tmp and logs: request, limit and the size of /tmp. Default: what the node gives.'),
  extendedResources: z
    .record(labelKey, z.int().min(1))
    .default({})
    .describe('Other resources of a worker by name, such as `nvidia.com/gpu: 1`; request and limit.'),
  slots: z
    .strictObject({
      workerProcesses: z
        .int()
        .min(1)
        .max(4096)
        .optional()
        .describe('Processes (or threads) of a worker. Default: one for each whole CPU it requests, at least one.'),
      callsPerProcess: z
        .int()
        .min(1)
        .max(10_000)
        .default(1)
        .describe('Asynchronous calls that one process runs at once. Raise it for functions that mostly wait.'),
      kind: z
        .enum(['process', 'thread'])
        .default('process')
        .describe('`process` isolates crashes. `thread` starts faster, isolates less.'),
    })
    .default({ callsPerProcess: 1, kind: 'process' })
    .describe('How a worker runs calls.'),
};

const poolShape = {
  minWorkers: z.int().min(0).max(10_000).default(0).describe('Workers that are kept while an executor is open.'),
  maxWorkers: z.int().min(1).max(10_000).default(100).describe('Most workers at once.'),
  idleTimeoutSeconds: z
    .int()
    .min(1)
    .max(604_800)
    .default(300)
    .describe('A worker that had nothing to do for so long leaves, in seconds.'),
  startTimeoutSeconds: z
    .int()
    .min(2)
    .max(3600)
    .default(300)
    .describe('A worker that is not ready after so long is given up and replaced, in seconds.'),
  terminationGraceSeconds: z
    .int()
    .min(0)
    .max(3600)
    .default(30)
    .describe('What a worker that must leave may still take to finish calls or give them back, in seconds.'),
  workerLogLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('warn')
    .describe('What the worker runtime logs of itself, to the pod’s log.'),
};

const placementShape = {
  nodeSelector: labelMap.default({}).describe('Labels that a worker’s node must have.'),
  tolerations: z.array(tolerationSchema).default([]).describe('Taints that workers tolerate, as in a pod’s spec.'),
  affinity: affinitySchema.default({}).describe('Affinity, as in a pod’s spec.'),
  priorityClass: kubeName.optional().describe('Name of the PriorityClass of the workers.'),
  runtimeClass: kubeName.optional().describe('Name of the RuntimeClass of the workers.'),
};

const contentShape = {
  labels: labelMap.default({}).describe('More labels for pods and secrets.'),
  annotations: z.record(labelKey, z.string()).default({}).describe('More annotations for pods.'),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable'), z.string())
    .default({})
    .describe('Environment variables of the workers. They can be read in the pod’s spec: nothing secret belongs here.'),
  envFromSecrets: z
    .array(kubeName)
    .default([])
    .describe('Names of Secrets whose entries become environment variables of the workers.'),
  volumes: z
    .array(volumeSchema)
    .default([])
    .describe('More volumes: a claim, a config map, a secret, an empty folder.'),
  workerPlugins: workerPluginsSchema,
  runAsUser: z
    .union([z.int().min(1), z.literal('cluster')])
    .default(10_001)
    .describe('User and group id of the workers; `cluster` leaves the choice to the cluster (OpenShift).'),
  securityContext: securityContextSchema
    .prefault({})
    .describe('More of the security context of workers. Without it they meet Pod Security "restricted".'),
};

/** For `z.strictObject({ ...kubernetesOptionsShape, … }).check(checkKubernetesOptions)`. */
export const kubernetesOptionsShape = {
  ...connectionShape,
  ...imageShape,
  ...sizeShape,
  ...poolShape,
  ...placementShape,
  ...contentShape,
};

const shapeSchema = z.strictObject(kubernetesOptionsShape);

/** Parsed options of {@link kubernetesOptionsShape}. */
export type KubernetesOptions = z.output<typeof shapeSchema>;

/** As a backend has them whose workers belong to jobs: there are none to be kept without one. */
type WithoutMinimum = Omit<KubernetesOptions, 'minWorkers'> & { readonly minWorkers?: number };

/** What must hold between options. */
export function checkKubernetesOptions(context: z.core.ParsePayload<WithoutMinimum>): void {
  for (const { path, message } of problemsOf(context.value)) {
    context.issues.push({ code: 'custom', path, message, input: context.value });
  }
}

export const kubernetesOptionsSchema = shapeSchema.check(checkKubernetesOptions);

interface Problem {
  readonly path: PropertyKey[];
  readonly message: string;
}

function problemsOf(options: WithoutMinimum): Problem[] {
  const problems: Problem[] = [];
  const add = (path: PropertyKey[], message: string): void => void problems.push({ path, message });
  const { minWorkers = 0, maxWorkers } = options;
  if (minWorkers > maxWorkers) {
    add(['minWorkers'], `must be at most maxWorkers (${maxWorkers}), got ${minWorkers}`);
  }
  for (const map of ['labels', 'annotations', 'nodeSelector'] as const) {
    const own = map === 'nodeSelector' ? [] : Object.keys(options[map]).filter((key) => key.startsWith(OWN_LABELS));
    for (const key of own) add([map, key], `keys that begin with ${OWN_LABELS} are set by Splitrock`);
  }
  for (const name of Object.keys(options.env).filter((each) => RESERVED_ENV.test(each))) {
    add(['env', name], 'names that begin with SPLITROCK_ are set by Splitrock');
  }
  for (const name of Object.keys(options.extendedResources).filter((each) => !each.includes('/'))) {
    add(['extendedResources', name], 'must be a resource’s full name, such as nvidia.com/gpu');
  }
  return [...problems, ...sizingProblems(options), ...volumeProblems(options)];
}

function sizingProblems({ sizing, limits, slots }: WithoutMinimum): Problem[] {
  if (sizing.kind === 'per-node') {
    const names = (['cpu', 'memory'] as const).filter((name) => limits[name] !== 'none' && limits[name] !== 'request');
    const problems: Problem[] = names.map((name) => ({
      path: ['limits', name],
      message: 'must be none or request where workers differ in size',
    }));
    if (slots.workerProcesses !== undefined) {
      problems.push({ path: ['slots', 'workerProcesses'], message: 'follows from the node; use sizing.maxProcesses' });
    }
    return problems;
  }
  const measures = { cpu: cpuMillis, memory: wholeUnits };
  return (['cpu', 'memory'] as const)
    .filter((name) => limits[name] !== 'none' && limits[name] !== 'request')
    .filter((name) => measures[name](limits[name]) < measures[name](sizing[name]))
    .map((name) => ({ path: ['limits', name], message: `must be at least sizing.${name} (${sizing[name]})` }));
}

const OWN_PATHS = ['/tmp', '/etc/splitrock'];

function volumeProblems({ volumes }: WithoutMinimum): Problem[] {
  const taken = new Set(OWN_PATHS);
  return volumes.flatMap(({ mountPath }, index) => {
    const problem = taken.has(mountPath)
      ? [{ path: ['volumes', index, 'mountPath'], message: 'is mounted already' }]
      : [];
    taken.add(mountPath);
    return problem;
  });
}
