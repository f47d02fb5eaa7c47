/** Starts the run of a new job: descriptor, subscription, inputs, in an order in which nothing can be missed. */
import { hostname } from 'node:os';
import { readAmbientWorker } from '../contracts/ambient-worker.ts';
import { JobError, isSplitrockError } from '../errors/splitrock-error.ts';
import type { JobDescriptor } from '../wire/job-descriptor.ts';
import { encodeInputPart } from '../wire/input-part.ts';
import { encodeJobDescriptor } from '../wire/job-descriptor.ts';
import { environmentKey, inputsEndKey, jobDescriptorKey } from '../wire/storage-keys.ts';
import { subranges } from './call-ranges.ts';
import { PART_BYTES, PART_CALLS } from './input-store.ts';
import { gatherPayload } from './input-payload.ts';
import { encodeItem, encodeItems, type JobInputs, type ManyResults, type PendingInput } from './job-inputs.ts';
import { JobRun } from './job-run.ts';
import type { ClientRecord } from './client-record.ts';
import type { NewJobSetup } from './job-setup.ts';
import { readLazily } from './lazy-reader.ts';
import { PackedBytes } from './packed-bytes.ts';
import { RESULT_SOURCE, hasResults, isSingle } from './result-source.ts';

/** Asked for once: it is a system call. */
const HOST = hostname();
/** Captured values up to this size travel inside the descriptor. */
const INLINE_ENVIRONMENT_BYTES = 64 * 1024;
/** So do all inputs together, up to this size. */
const INLINE_INPUTS_BYTES = 4 * 1024;

/** Begins a job. Rejects, with nothing submitted, when storage, monitoring or the function's upload fail. */
export async function startJob(setup: NewJobSetup): Promise<JobRun> {
  const run = new JobRun(setup);
  const inputs = inlineInputs(setup);
  const descriptor = describeJob(setup, inputs);
  const bytes = encodeJobDescriptor(descriptor);
  const { storage, backend } = setup.services;
  const write = (): Promise<unknown> => storage.put(jobDescriptorKey(setup.job), bytes);
  // Where workers get it another way, it is for clients that attach: the calls leave first.
  const stored = backend.carriesDescriptor === true ? afterSubmission().then(write) : write();
  run.useDescriptor(bytes, stored);
  const isInline = descriptor.function.environment === 'inline';
  await Promise.all([
    run.listen(),
    isInline ? undefined : storage.put(environmentKey(setup.job), setup.shipped.environment),
    backend.carriesDescriptor === true ? undefined : stored,
    setup.uploaded,
  ]);
  run.obeySignal();
  feedInputs(run, setup, inputs);
  return run;
}

/** What was submitted in this turn of the event loop is on its way to the workers. */
const afterSubmission = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** All inputs as one part, when they are so small that an object of their own would cost more than they do. */
function inlineInputs({ inputs }: NewJobSetup): Uint8Array | undefined {
  if (inputs.kind !== 'eager' || inputs.pending.length > 0 || inputs.payloads.length === 0) return undefined;
  const { length, totalBytes } = inputs.payloads;
  return totalBytes + 8 * length <= INLINE_INPUTS_BYTES
    ? encodeInputPart(0, inputs.payloads.slice(0, length))
    : undefined;
}

function describeJob(
  { job, name, options, services, shipped, inputs }: NewJobSetup,
  inlined: Uint8Array | undefined,
): JobDescriptor {
  const inline = shipped.environment.length <= INLINE_ENVIRONMENT_BYTES;
  const { retryIf, ...rest } = options;
  const client: ClientRecord = {
    host: HOST,
    pid: process.pid,
    options: rest,
    retryIf: Array.isArray(retryIf) ? (retryIf as readonly string[]) : null,
    pendingInputs: inputs.kind === 'results' || inputs.kind === 'lazy' || inputs.pending.length > 0,
  };
  return {
    ...job,
    tenant: services.tenant,
    name,
    createdAtMs: services.clock.now(),
    function: { artifact: shipped.sha256, environment: inline ? 'inline' : 'stored' },
    environment: inline ? shipped.environment : new Uint8Array(),
    calls: inputs.kind === 'eager' ? inputs.payloads.length : null,
    ...(inlined === undefined ? {} : { inputs: inlined }),
    run: {
      timeoutMs: options.timeoutMs,
      abortGraceMs: options.abortGraceMs,
      killGraceMs: options.killGraceMs,
      env: options.env,
      memoryMiB: options.memoryMiB,
      cpu: options.cpu,
      chunkSize: options.chunkSize,
      maxLogBytes: options.maxLogBytes,
      inlineResultBytes: options.inlineResultBytes,
      nestingDepth: readAmbientWorker()?.nestingDepth ?? 0,
    },
    client,
  };
}

function feedInputs(run: JobRun, setup: NewJobSetup, inlined: Uint8Array | undefined): void {
  const { inputs } = setup;
  if (inputs.kind === 'eager') {
    const total = inputs.payloads.length;
    if (inlined !== undefined) {
      run.inputs.addEncoded(0, total, inlined);
      run.feed({ type: 'inputs-ready', calls: { from: 0, to: total } });
    } else addPayloads(run, 0, inputs.payloads, inputs.pending);
    return run.feed({ type: 'inputs-ended', total });
  }
  const feeding = inputs.kind === 'lazy' ? feedLazily(run, setup, inputs) : feedResults(run, setup, inputs.job);
  feeding.catch((error: unknown) => run.abort(error));
}

/** Hands over the payloads of calls from `first`; those with pending inputs follow once their inputs are there. */
function addPayloads(run: JobRun, first: number, payloads: PackedBytes, pending: readonly PendingInput[]): void {
  const waiting = new Set(pending.map(({ callId }) => callId));
  for (const { from, to } of parts(payloads)) {
    run.inputs.add(first + from, payloads.slice(from, to));
    for (const calls of subranges({ from: first + from, to: first + to }, (callId) => !waiting.has(callId)))
      run.feed({ type: 'inputs-ready', calls });
  }
  for (const input of pending) void awaitInput(run, input);
}

/** Submits a call once the results that make its input are there; no slot waits for them. Never rejects. */
export function awaitInput(run: JobRun, { callId, source }: PendingInput): Promise<void> {
  return source.locations().then(
    (locations) => {
      run.inputs.resolve(callId, gatherPayload(isSingle(source.ref), locations));
      run.feed({ type: 'inputs-ready', calls: { from: callId, to: callId + 1 } });
    },
    (error: unknown) => run.inputFailed(callId, error),
  );
}

async function feedResults(run: JobRun, setup: NewJobSetup, upstream: ManyResults): Promise<void> {
  const total = await upstream.finalSize;
  const futures = Array.from({ length: total }, (_, callId) => upstream.future(callId));
  const { payloads, pending } = encodeItems(futures, setup.encodeInput);
  addPayloads(run, 0, payloads, pending);
  run.feed({ type: 'inputs-ended', total });
  await recordTotal(run, setup, total);
}

async function feedLazily(
  run: JobRun,
  setup: NewJobSetup,
  inputs: Extract<JobInputs, { kind: 'lazy' }>,
): Promise<void> {
  let total = 0;
  let badItem: unknown;
  const readAhead = inputs.readAhead ?? setup.options.readAhead;
  const room = async (): Promise<number> => {
    for (;;) {
      if (badItem !== undefined || run.cancelled) return 0;
      const open = readAhead - (total - run.settled.taken);
      // A source that is never silent must not keep others waiting.
      if (open === Infinity) await new Promise((resolve) => setImmediate(resolve));
      if (open > 0) return open;
      await run.settled.whenTakenMore();
    }
  };
  const batch = (values: readonly unknown[]): void => {
    const payloads = new PackedBytes();
    const pending: PendingInput[] = [];
    for (const value of values) {
      const callId = total + payloads.length;
      try {
        payloads.add(encodeItem(value, callId, setup.encodeInput));
      } catch (error) {
        badItem = error;
        break;
      }
      if (hasResults(value)) pending.push({ callId, source: value[RESULT_SOURCE] });
    }
    addPayloads(run, total, payloads, pending);
    total += payloads.length;
  };
  let readingError: unknown;
  try {
    await readLazily(inputs.items, { room, batch });
  } catch (error) {
    readingError = error;
  }
  readingError ??= badItem;
  if (readingError === undefined) run.feed({ type: 'inputs-ended', total });
  else run.readingFailed(inputError(run, readingError, total), total);
  await recordTotal(run, setup, total);
}

/** Lets a client that attaches know that no input is missing. */
async function recordTotal(run: JobRun, setup: NewJobSetup, total: number): Promise<void> {
  await run.inputs.persisted();
  await setup.services.storage.put(inputsEndKey(setup.job), new TextEncoder().encode(JSON.stringify({ v: 1, total })));
}

function inputError(run: JobRun, cause: unknown, total: number): JobError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const code = isSplitrockError(cause) ? cause.code : 'JOB_INPUT_FAILED';
  return new JobError(
    code,
    `Reading the inputs of job ${run.name} failed after ${total} of them: ${why} [job=${run.jobId}]; settled() has the outcomes of the calls that were read.`,
    { cause, details: { total } },
  );
}

/** Cuts payloads into parts that are not too large. */
function* parts(payloads: PackedBytes): Generator<{ from: number; to: number }> {
  let from = 0;
  let bytes = 0;
  for (let index = 0; index < payloads.length; index += 1) {
    const size = payloads.sizeOf(index);
    if (index > from && (index - from >= PART_CALLS || bytes + size > PART_BYTES)) {
      yield { from, to: index };
      from = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (payloads.length > from) yield { from, to: payloads.length };
}
