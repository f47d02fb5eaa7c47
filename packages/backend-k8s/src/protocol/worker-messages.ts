/** What workers ask of the master, and what it answers. Envelopes of kind M; bytes stand in the body. */
import { z } from 'zod';
import {
  attemptNumber,
  attemptTuple,
  count,
  lossReason,
  rangeTuple,
  runtimeInfo,
  sessionText,
  waitMs,
  workerName,
} from './wire-schemas.ts';

/** On every request: who it is, and since which start. */
const who = { v: z.literal(1), worker: workerName, session: sessionText };
/**
 * Calls that it would take beyond those that it has received, and the number of the last delivery received. `turn` counts
 * up: polls and reports come by different connections and may overtake each other, and the latest counts.
 */
const readiness = { turn: count, room: count.max(1_000_000), received: count };

export const joinRequest = z.strictObject({
  ...who,
  slots: z.int().min(1).max(1_000_000),
  runtime: runtimeInfo,
  held: z.array(z.tuple([attemptNumber, count, count, z.union([z.literal(0), z.literal(1)])])).max(100_000),
});
export const pollRequest = z.strictObject({ ...who, ...readiness, waitMs });
export const reportRequest = z.strictObject({
  ...who,
  ...readiness,
  /** Numbers reports, so that one that is sent again counts once. */
  report: count,
  /** `s`tarted, `d`one, or given `b`ack. */
  answers: z
    .array(z.tuple([z.enum(['s', 'd', 'b']), attemptNumber, count, count, z.union([z.literal(0), lossReason])]))
    .max(100_000),
  /** Lengths of the status segments in the body. */
  segments: z.array(count).max(10_000),
});
export const leaveRequest = z.strictObject(who);

export type JoinRequest = z.output<typeof joinRequest>;
export type Readiness = Pick<PollRequest, keyof typeof readiness>;
export type PollRequest = z.output<typeof pollRequest>;
export type ReportRequest = z.output<typeof reportRequest>;

const number = count;
export const workerMessage = z.union([
  /** A lease: number of the delivery, attempt, from, to, part, bytes of inline inputs in the body. */
  z.tuple([
    z.literal('lease'),
    number,
    ...attemptTuple.def.items,
    z.union([z.literal(0), z.tuple([count, count])]),
    count,
  ]),
  z.tuple([
    z.literal('cancel'),
    number,
    z.union([z.literal(0), z.array(rangeTuple)]),
    z.union([z.literal(0), attemptNumber]),
    z.number().min(0),
  ]),
  z.tuple([z.literal('dismiss'), number]),
]);
export type WorkerMessage = z.output<typeof workerMessage>;

export const joinAnswer = z.object({ v: z.literal(1) });
export const pollAnswer = z.object({ v: z.literal(1), messages: z.array(workerMessage) });
export const plainAnswer = z.object({ v: z.literal(1) });
