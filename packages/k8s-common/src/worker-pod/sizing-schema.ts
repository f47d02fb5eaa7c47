/** Options that say how big a worker pod is. */
import { z } from 'zod';
import { cpuQuantity, memoryQuantity } from './kube-schemas.ts';

const fixedSizing = z.strictObject({
  kind: z.literal('fixed').describe('All workers are alike.'),
  cpu: cpuQuantity.default('1').describe('CPU that a worker requests: `1`, `500m`.'),
  memory: memoryQuantity.default('1Gi').describe('Memory that a worker requests: `1Gi`, `512Mi`.'),
});

const perNodeSizing = z.strictObject({
  kind: z
    .literal('per-node')
    .describe('One worker on each usable node, as big as what is free there; nodes may differ and may join later.'),
  cpuPerProcess: cpuQuantity.default('1').describe('CPU for each process that runs calls.'),
  memoryPerProcess: memoryQuantity
    .optional()
    .describe(
      'Memory for each process that runs calls. Default: the share of the free memory that the CPUs are of the free ones.',
    ),
  maxProcesses: z.int().min(1).max(4096).default(4096).describe('At most so many processes in one worker.'),
  leaveFreeCpu: cpuQuantity.optional().describe('CPU that stays free on every node.'),
  leaveFreeMemory: memoryQuantity.optional().describe('Memory that stays free on every node.'),
});

export const sizingSchema = z
  .discriminatedUnion('kind', [fixedSizing, perNodeSizing])
  .default({ kind: 'fixed', cpu: '1', memory: '1Gi' })
  .describe(
    'How big workers are: `{ kind: fixed, cpu, memory }`, or `{ kind: per-node }` for one worker per node sized to what is free on it.',
  );

export const limitsSchema = z
  .strictObject({
    cpu: z
      .union([z.enum(['none', 'request']), cpuQuantity])
      .default('none')
      .describe('`none`: a worker may use CPU that nobody else wants. `request`: as requested. Or a quantity.'),
    memory: z
      .union([z.enum(['none', 'request']), memoryQuantity])
      .default('request')
      .describe('`request`: a worker that uses more than it requested is ended. `none`, or a quantity.'),
  })
  .default({ cpu: 'none', memory: 'request' })
  .describe('What a worker may use at most. A namespace with a quota of limits needs them.');

export type FixedSizing = z.output<typeof fixedSizing>;
export type PerNodeSizing = z.output<typeof perNodeSizing>;
