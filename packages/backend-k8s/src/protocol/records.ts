/** The small records in storage: where the master is, who a client is, how far a job is. JSON, for people too. */
import { SerializationError, type Storage } from '@splitrock/core/plugin';
import { z } from 'zod';
import type { LeaseProgress } from '../leases/lease-events.ts';
import { attemptNumber, attemptTuple, count, fromAttempt, lossReason, toAttempt } from './wire-schemas.ts';

const masterRecord = z.strictObject({
  v: z.literal(1),
  /** Of this start of the master; another one knows nothing of what this one was told. */
  epoch: z.string().min(1),
  pod: z.string().min(1),
  ip: z.string().min(1),
  port: z.int().min(1).max(65_535),
});
export type MasterRecord = z.output<typeof masterRecord>;

const clientRecord = z.strictObject({ v: z.literal(1), tokenHash: z.string().regex(/^[0-9a-f]{64}$/) });
export type ClientRecord = z.output<typeof clientRecord>;

const progressRecord = z.strictObject({
  v: z.literal(1),
  done: z.array(attemptTuple),
  lost: z.array(z.tuple([attemptNumber, count, count, lossReason])),
  deaths: z.array(z.tuple([attemptNumber, count, z.int().min(1)])),
  workers: z.array(z.string()),
});

const encode = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value)}\n`);

export const encodeMasterRecord = (record: MasterRecord): Uint8Array => encode(record);
export const encodeClientRecord = (record: ClientRecord): Uint8Array => encode(record);
export const encodeProgress = ({ done, lost, deaths, workers }: LeaseProgress): Uint8Array =>
  encode({
    v: 1,
    done: done.map(fromAttempt),
    lost: lost.map((each) => [...fromAttempt(each), each.reason]),
    deaths: deaths.map(({ attempt, callId, deaths: deathCount }) => [attempt, callId, deathCount]),
    workers: [...workers],
  } satisfies z.input<typeof progressRecord>);

export const readMasterRecord = (storage: Storage, key: string): Promise<MasterRecord | undefined> =>
  read(storage, key, masterRecord, 'Record of the master');

export const readClientRecord = (storage: Storage, key: string): Promise<ClientRecord | undefined> =>
  read(storage, key, clientRecord, 'Record of a client');

export async function readProgress(storage: Storage, key: string): Promise<LeaseProgress | undefined> {
  const record = await read(storage, key, progressRecord, 'Progress of a job');
  if (record === undefined) return undefined;
  return {
    done: record.done.map(toAttempt),
    lost: record.lost.map(([attempt, from, to, reason]) => ({ attempt, calls: { from, to }, reason })),
    deaths: record.deaths.map(([attempt, callId, deaths]) => ({ attempt, callId, deaths })),
    workers: record.workers,
  };
}

async function read<Value>(
  storage: Storage,
  key: string,
  schema: z.ZodType<Value>,
  what: string,
): Promise<Value | undefined> {
  const bytes = await getOrNothing(storage, key);
  if (bytes === undefined) return undefined;
  const parsed = schema.safeParse(parseJson(bytes));
  if (parsed.success) return parsed.data;
  throw new SerializationError('DATA_CORRUPT', `${what} is damaged [key=${key}]: ${z.prettifyError(parsed.error)}.`);
}

/** `undefined` where there is no such object. */
export async function getOrNothing(storage: Storage, key: string): Promise<Uint8Array | undefined> {
  try {
    return await storage.get(key);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'STORAGE_OBJECT_NOT_FOUND') return undefined;
    throw error;
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
