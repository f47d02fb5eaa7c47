/**
 * Takes over a job from storage: another process submitted it, and is gone or goes on. All status is replayed; calls
 * that nobody has any more are submitted again, as soon as the submitting client is not alive on this machine.
 */
import { hostname } from 'node:os';
import { decodeValue } from '../codec/codec.ts';
import { formatJobId } from '../contracts/calls.ts';
import { JobError, isSplitrockError } from '../errors/splitrock-error.ts';
import { ClassTable } from '../functions/class-table.ts';
import { decodeJobDescriptor } from '../wire/job-descriptor.ts';
import { jobDescriptorKey } from '../wire/storage-keys.ts';
import { AttachedInputs } from './attached-inputs.ts';
import { subranges } from './call-ranges.ts';
import { clientRecordSchema, type ClientRecord } from './client-record.ts';
import { JobRun } from './job-run.ts';
import type { JobSetup } from './job-setup.ts';
import type { ResultSource, ResultSourceRef } from './result-source.ts';

/** How long a client that died may go unnoticed, and what it wrote meanwhile unread. */
const WATCH_MS = 2_000;

export interface AttachSetup extends Omit<JobSetup, 'name' | 'options' | 'decoder'> {
  /** Gives the results of another job that this one's inputs come from. */
  readonly resultSource: (ref: ResultSourceRef) => ResultSource;
  /** Whether calls that nobody runs are submitted again. @defaultValue unless, and as long as, the submitting client lives */
  readonly resume?: boolean;
}

/** The submitting program's classes are not here: their instances come back as plain data. */
const noClasses = new ClassTable({ classOf: () => undefined, keyOf: () => undefined });
const decodePlainly = (bytes: Uint8Array): unknown => decodeValue(bytes, { extension: noClasses });

/** @throws JobError `JOB_NOT_FOUND`; SerializationError for a damaged descriptor. */
export async function attachJob(setup: AttachSetup): Promise<JobRun> {
  const { job, services } = setup;
  const bytes = await readDescriptor(setup);
  const descriptor = decodeJobDescriptor(bytes);
  const client = clientRecordSchema.parse(descriptor.client);
  const run = new JobRun({
    ...setup,
    name: descriptor.name,
    options: { ...client.options, retryIf: client.retryIf ?? undefined },
    decoder: { decodeResult: decodePlainly, mapStack: (stack) => stack },
  });
  run.useDescriptor(bytes);
  run.feed({ type: 'pause' });
  const inputs = new AttachedInputs({ ...setup, run, descriptor, mayBePending: client.pendingInputs });
  await inputs.read();
  await run.replay();
  inputs.offer();
  run.obeySignal();
  const takeOver = async (): Promise<void> => {
    // Calls in flight may be submitted again at once.
    await inputs.resolvedInFlight();
    await giveUpLost(run, setup);
    inputs.end();
    run.feed({ type: 'resume' });
  };
  if (setup.resume ?? !isAlive(client)) await takeOver();
  else watch(setup, run, inputs, () => (setup.resume === undefined && !isAlive(client) ? takeOver : undefined));
  services.logger.debug('Attached to a job.', { jobId: formatJobId(job), settled: run.counts.settled });
  return run;
}

/** Looks now and then at what the living client has added, and whether the job is to be taken over because it is gone. */
function watch(
  { job, services }: AttachSetup,
  run: JobRun,
  inputs: AttachedInputs,
  successor: () => (() => Promise<void>) | undefined,
): void {
  const look = async (): Promise<void> => {
    if (run.isOver) return;
    try {
      // Asked first: what the client did until its end is there afterwards.
      const takeOver = successor();
      await inputs.read();
      inputs.offer();
      if (takeOver !== undefined) {
        await run.refresh();
        return await takeOver();
      }
    } catch (error) {
      services.logger.warn('A job could not be watched; it is tried again.', { jobId: formatJobId(job), error });
    }
    services.clock.setTimer(() => void look(), WATCH_MS);
  };
  services.clock.setTimer(() => void look(), WATCH_MS);
}

async function readDescriptor({ job, services }: AttachSetup): Promise<Uint8Array> {
  try {
    return await services.storage.get(jobDescriptorKey(job));
  } catch (error) {
    if (!isSplitrockError(error, 'STORAGE_OBJECT_NOT_FOUND')) throw error;
    throw new JobError(
      'JOB_NOT_FOUND',
      `Job ${formatJobId(job)} is not in storage [storage=${services.storage.name}]; it was cleaned, or it used another storage.`,
      { details: { jobId: formatJobId(job) } },
    );
  }
}

/** Calls in flight that the backend does not have any more are lost with the client that had submitted them. */
async function giveUpLost(run: JobRun, { job, services }: AttachSetup): Promise<void> {
  const held = (await services.backend.outstanding?.(job)) ?? [];
  const isHeld = (callId: number): boolean => held.some((calls) => callId >= calls.from && callId < calls.to);
  const lost = run.inFlightCalls().flatMap((calls) => [...subranges(calls, (callId) => !isHeld(callId))]);
  for (const range of lost) {
    for (let callId = range.from; callId < range.to; callId += 1) {
      run.feed({
        type: 'lost',
        calls: [{ from: callId, to: callId + 1 }],
        attempt: run.attemptInFlight(callId),
        reason: { kind: 'worker-lost', message: 'the client that had submitted it is gone, and its workers with it' },
      });
    }
  }
}

/** Whether the submitting client is still there: then its calls are its business. */
function isAlive(client: ClientRecord): boolean {
  if (client.host !== hostname()) return false;
  try {
    process.kill(client.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
