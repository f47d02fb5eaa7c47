/** Pieces that messages and records are made of. Everything that comes over the network is checked by these. */
import type { CallRange, LossReason, RuntimeInfo } from '@splitrock/core/plugin';
import { z } from 'zod';
import type { AttemptCalls } from '../leases/lease-events.ts';

export const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
export const attemptNumber = z.int().min(1).max(1_000_000);
export const jobIdText = z.string().regex(/^[a-z0-9]{12}-[1-9][0-9]{0,8}$/);
/** A pod's name. */
export const workerName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
export const sessionText = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/);
export const waitMs = z.int().min(0).max(60_000);

export const rangeTuple = z.tuple([count, count]).refine(([from, to]) => from < to, 'must not be empty');
export const attemptTuple = z
  .tuple([attemptNumber, count, count])
  .refine(([, from, to]) => from < to, 'must not be empty');

export const lossReason: z.ZodType<LossReason> = z.strictObject({
  kind: z.enum(['exit', 'crash', 'out-of-memory', 'evicted', 'node-lost', 'worker-lost', 'start-failed']),
  message: z.string().max(10_000),
  exitCode: z.int().exactOptional(),
  signal: z.string().max(32).exactOptional(),
  workerId: z.string().max(253).exactOptional(),
});

export const runtimeInfo = z.strictObject({
  nodeVersion: z.string().max(64),
  packages: z.record(z.string(), z.string()).exactOptional(),
});

/** What is told of a runtime that may say more of itself. */
export const runtimeToTell = ({ nodeVersion, packages }: RuntimeInfo = HERE): RuntimeInfo => ({
  nodeVersion,
  ...(packages === undefined ? {} : { packages }),
});
const HERE: RuntimeInfo = { nodeVersion: process.versions.node };

export type AttemptTuple = z.output<typeof attemptTuple>;

export const toRange = ([from, to]: readonly [number, number]): CallRange => ({ from, to });
export const fromRange = ({ from, to }: CallRange): [number, number] => [from, to];
export const toAttempt = ([attempt, from, to]: AttemptTuple): AttemptCalls => ({ attempt, calls: { from, to } });
export const fromAttempt = ({ attempt, calls: { from, to } }: AttemptCalls): [number, number, number] => [
  attempt,
  from,
  to,
];
