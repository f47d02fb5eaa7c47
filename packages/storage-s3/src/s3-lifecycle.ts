/**
 * Expiry by lifecycle rules of the bucket: one rule for each prefix, with a date.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
 */
import { createHash } from 'node:crypto';
import {
  GetBucketLifecycleConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  type LifecycleRule,
} from '@aws-sdk/client-s3';
import type { S3Connection } from './s3-connection.ts';
import { nameOf } from './s3-errors.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A rule stays so long after its date: the store takes its time to act on it. */
const KEPT_AFTER_DATE_MS = 7 * DAY_MS;
const OWN_RULE = /^splitrock-expire-/;

/** The first midnight (UTC) at or after a time: S3 knows no other dates. */
const nextMidnight = (timeMs: number): Date => new Date(Math.ceil(timeMs / DAY_MS) * DAY_MS);

/** Adds or moves the rule of a prefix, and drops those of ours that have done their work. */
export async function addExpiryRule(
  connection: S3Connection,
  prefix: string,
  atMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const request = { operation: 'set a lifecycle rule', key: prefix, signal };
  const rule: LifecycleRule = {
    ID: `splitrock-expire-${createHash('sha256').update(prefix).digest('hex').slice(0, 32)}`,
    Status: 'Enabled',
    Filter: { Prefix: prefix },
    Expiration: { Date: nextMidnight(atMs) },
  };
  const { bucket: Bucket, client } = connection;
  await connection.run(request, async (abortSignal) => {
    const rules = await readRules(connection, abortSignal);
    const kept = rules.filter((each) => each.ID !== rule.ID && !isDone(each));
    const LifecycleConfiguration = { Rules: [...kept, rule] };
    await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration }), { abortSignal });
  });
}

async function readRules({ client, bucket }: S3Connection, abortSignal: AbortSignal): Promise<LifecycleRule[]> {
  try {
    const answer = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }), { abortSignal });
    return answer.Rules ?? [];
  } catch (error) {
    if (nameOf(error) === 'NoSuchLifecycleConfiguration') return [];
    throw error;
  }
}

const isDone = ({ ID, Expiration }: LifecycleRule): boolean =>
  OWN_RULE.test(ID ?? '') &&
  Expiration?.Date !== undefined &&
  Expiration.Date.getTime() + KEPT_AFTER_DATE_MS < Date.now();
