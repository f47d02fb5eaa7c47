/** What clients ask of the master, and what it answers. Envelopes of kind M; status segments stand in the body. */
import { z } from 'zod';
import {
  attemptNumber,
  attemptTuple,
  count,
  jobIdText,
  lossReason,
  rangeTuple,
  runtimeInfo,
  waitMs,
  workerName,
} from './wire-schemas.ts';

/** A job, and how many entries this client has written to its log. */
const jobEntries = z.tuple([jobIdText, count]);
const epoch = z.string().min(1).max(64);

/** The client is there, and wants to hear of these jobs; `heard`: what it has heard, and of which master. */
export const helloRequest = z.strictObject({
  v: z.literal(1),
  jobs: z.array(jobEntries).max(100_000),
  heard: z.strictObject({ epoch, received: count }).optional(),
});
/** There is more in the logs of these jobs; those that are new are heard of from now on. */
export const pokeRequest = z.strictObject({ v: z.literal(1), epoch, jobs: z.array(jobEntries).max(100_000) });
export const watchRequest = z.strictObject({ v: z.literal(1), epoch, received: count, waitMs });
/** A worker's pod has ended; seen in the cluster. */
export const deathRequest = z.strictObject({
  v: z.literal(1),
  epoch,
  job: jobIdText,
  worker: workerName,
  reason: lossReason,
});
/** These jobs are being removed. */
export const forgetRequest = z.strictObject({ v: z.literal(1), jobs: z.array(jobIdText).max(100_000) });

export type HelloRequest = z.output<typeof helloRequest>;

const workerState = z.tuple([workerName, z.int().min(1), runtimeInfo]);

export const jobState = z.object({
  job: jobIdText,
  open: z.array(attemptTuple),
  done: z.array(attemptTuple),
  lost: z.array(z.tuple([attemptNumber, count, count, lossReason])),
  workers: z.array(workerState),
});
export type JobState = z.output<typeof jobState>;

export const clientEvent = z.union([
  /** Status of a job's calls: bytes of a segment in the body. */
  z.tuple([z.literal('status'), jobIdText, count]),
  z.tuple([z.literal('lost'), jobIdText, attemptNumber, rangeTuple, lossReason]),
  z.tuple([z.literal('joined'), jobIdText, ...workerState.def.items]),
  z.tuple([z.literal('gone'), jobIdText, workerName, z.union([z.literal(0), lossReason])]),
  /** Nothing of the job is left to do. */
  z.tuple([z.literal('over'), jobIdText]),
]);
export type ClientEvent = z.output<typeof clientEvent>;

/** What the client has not heard; `last`: the number of the last of it. */
export const watchAnswer = z.object({ v: z.literal(1), last: count, events: z.array(clientEvent) });
/** The same, then how the jobs are after it. */
export const helloAnswer = watchAnswer.extend({ epoch, runtime: runtimeInfo, jobs: z.array(jobState) });
export type HelloAnswer = z.output<typeof helloAnswer>;
export type WatchAnswer = z.output<typeof watchAnswer>;
export const plainAnswer = z.object({ v: z.literal(1) });
