/**
 * A job's status as a Redis stream: `<keyPrefix><tenant>:<executorId>:<jobNumber>`, an entry for each message with the
 * fields `w` (worker id), `n` (its number), `s` (how many segments are in storage before it), `d` (the segment).
 */
import type { JobRef, StatusMessage } from '@splitrock/core/plugin';

export const streamKey = (keyPrefix: string, tenant: string, { executorId, jobNumber }: JobRef): string =>
  `${keyPrefix}${tenant}:${executorId}:${jobNumber}`;

/** Before the first entry of any stream. */
export const BEGINNING = '0-0';

export interface StreamEntry {
  readonly id: string;
  /** `undefined` for an entry that is none of ours. */
  readonly message: StatusMessage | undefined;
}

/** An entry as ioredis gives it. */
export type RawEntry = readonly [id: Buffer, fields: readonly Buffer[]];

export const fieldsOf = ({ workerId, number, stored, segment }: StatusMessage): (string | number | Buffer)[] => [
  'w',
  workerId,
  'n',
  number,
  's',
  stored,
  'd',
  Buffer.from(segment.buffer, segment.byteOffset, segment.byteLength),
];

export function readEntry([id, fields]: RawEntry): StreamEntry {
  const named = new Map<string, Buffer>();
  for (let at = 0; at + 1 < fields.length; at += 2) named.set(String(fields[at]), fields[at + 1] as Buffer);
  const [workerId, segment] = [named.get('w'), named.get('d')];
  const [number, stored] = [Number(named.get('n')), Number(named.get('s'))];
  const whole = workerId !== undefined && segment !== undefined && Number.isInteger(number) && Number.isInteger(stored);
  return { id: String(id), message: whole ? { workerId: String(workerId), number, stored, segment } : undefined };
}

/** Whether an entry comes after another; ids are `<milliseconds>-<sequence>`. */
export function isAfter(id: string, other: string): boolean {
  const [ms, sequence] = id.split('-').map(Number) as [number, number];
  const [otherMs, otherSequence] = other.split('-').map(Number) as [number, number];
  return ms > otherMs || (ms === otherMs && sequence > otherSequence);
}
