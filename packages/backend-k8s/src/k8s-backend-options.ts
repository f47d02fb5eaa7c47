/** Options of the k8s backend: those of the master, and those of the pods from `@splitrock/k8s-common`. */
import { checkKubernetesOptions, kubernetesOptionsShape, memoryQuantity, cpuQuantity } from '@splitrock/k8s-common';
import { z } from 'zod';

// Workers belong to jobs here: there is none to be kept when there is no job.
const { minWorkers: _minWorkers, ...podsShape } = kubernetesOptionsShape;

const masterOptionsSchema = z
  .strictObject({
    idleSeconds: z
      .int()
      .min(1)
      .max(604_800)
      .default(600)
      .describe('A master without anything to do for so long leaves, in seconds. The next job starts another.'),
    access: z
      .enum(['auto', 'proxy', 'direct'])
      .default('auto')
      .describe(
        'How this program reaches the master: `proxy` through the API server, `direct` at its pod’s address; `auto` is direct inside the cluster.',
      ),
    port: z.int().min(1).max(65_535).default(8_473).describe('Port of the master in its pod.'),
    cpu: cpuQuantity.default('200m').describe('CPU that the master requests.'),
    memory: memoryQuantity.default('256Mi').describe('Memory that the master requests; also its limit.'),
  })
  .default({ idleSeconds: 600, access: 'auto', port: 8_473, cpu: '200m', memory: '256Mi' })
  .describe('The pod that assigns calls to workers. Jobs of a tenant share it.');

/** What a client tells its workers. */
const jobSchema = z.strictObject({
  executorId: z.string().regex(/^[a-z0-9]{12}$/),
  jobNumber: z.int().min(1),
  token: z.string().min(1),
});

export const k8sBackendOptionsSchema = z
  .strictObject({
    ...podsShape,
    maxWorkers: podsShape.maxWorkers.describe('Most workers of one job at once.'),
    master: masterOptionsSchema,
    pool: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe(
        'Name of the master. Executors of a tenant that name the same share it. Default: made from what makes masters alike (image, storage).',
      ),
    leaseSeconds: z
      .int()
      .min(3)
      .max(3_600)
      .default(30)
      .describe(
        'A worker that is not heard of for so long is taken for dead, and its calls run elsewhere, in seconds.',
      ),
    maxDeaths: z
      .int()
      .min(1)
      .max(100)
      .default(4)
      .describe('A call whose worker vanished so often is reported lost instead of being given to yet another worker.'),
    keepJobsSeconds: z
      .int()
      .min(0)
      .max(604_800)
      .default(60)
      .describe('What Kubernetes keeps of a job that has ended and whose client is gone, in seconds.'),
    job: jobSchema.optional().describe('Set by clients for the workers of a job; not for configurations.'),
  })
  .check(checkKubernetesOptions);

/** As the schema gives them. */
export type K8sBackendOptions = z.output<typeof k8sBackendOptionsSchema>;
