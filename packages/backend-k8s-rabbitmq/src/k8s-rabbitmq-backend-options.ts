/** Options of the k8s-rabbitmq backend: those of the work queue, and those of the pods from `@splitrock/k8s-common`. */
import { checkKubernetesOptions, kubernetesOptionsShape } from '@splitrock/k8s-common';
import { z } from 'zod';
import { amqpOptionsSchema, type AmqpOptions } from './broker/amqp-options.ts';

export const workQueueShape = {
  amqp: amqpOptionsSchema.describe('The RabbitMQ broker (3.10 or later).'),
  pool: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'Name of the pool of workers. Executors of a tenant that name the same pool share its workers. Default: made from what makes workers alike (image, size, slots).',
    ),
  priority: z
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe('Weight of this executor’s jobs: one of weight 2 gets twice the slots of one of weight 1.'),
  maxDeaths: z
    .int()
    .min(1)
    .max(100)
    .default(4)
    .describe(
      'A call is reported lost, instead of being given to yet another worker, after so many deaths of workers that held it. Its first return is not counted, for nobody knows why it came back.',
    ),
  consumerTimeoutSeconds: z
    .int()
    .min(4)
    .default(1_800)
    .describe(
      'The broker’s `consumer_timeout`, in seconds. Longer calls work: workers renew their messages when half of it is over. Lower it if the broker’s is lower.',
    ),
};

export const k8sRabbitmqBackendOptionsSchema = z
  .strictObject({ ...kubernetesOptionsShape, ...workQueueShape })
  .check(checkKubernetesOptions);

/** As the schema gives them. */
export type K8sRabbitmqBackendOptions = z.output<typeof k8sRabbitmqBackendOptionsSchema>;

const workQueueSchema = z.strictObject(workQueueShape);
export type WorkQueueOptions = z.output<typeof workQueueSchema>;

/** What the worker half needs of the options. */
export interface RabbitmqSourceOptions extends Pick<WorkQueueOptions, 'maxDeaths' | 'consumerTimeoutSeconds'> {
  readonly amqp: AmqpOptions;
  readonly pool: string;
  /** A worker that had nothing to do for so long leaves; never without it. */
  readonly idleTimeoutSeconds?: number | undefined;
}
