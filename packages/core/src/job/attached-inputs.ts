/** The inputs of a job that another process submitted: what is in storage of them, now and as that process goes on. */
import type { CallRange, JobRef } from '../contracts/calls.ts';
import { formatJobId } from '../contracts/calls.ts';
import { JobError } from '../errors/splitrock-error.ts';
import { decodeInputPart, type InputPart } from '../wire/input-part.ts';
import type { JobDescriptor } from '../wire/job-descriptor.ts';
import { inputPartKey, inputsEndKey, inputsPrefix, parseInputPartKey } from '../wire/storage-keys.ts';
import { subranges } from './call-ranges.ts';
import { pendingRef } from './input-payload.ts';
import type { JobRun } from './job-run.ts';
import type { JobSetup } from './job-setup.ts';
import { awaitInput } from './new-job.ts';
import type { ResultSource, ResultSourceRef } from './result-source.ts';

interface AttachedInputsSetup {
  readonly job: JobRef;
  readonly services: Pick<JobSetup['services'], 'storage'>;
  readonly run: JobRun;
  readonly descriptor: JobDescriptor;
  /** Whether some may be other calls' results. */
  readonly mayBePending: boolean;
  readonly resultSource: (ref: ResultSourceRef) => ResultSource;
}

export class AttachedInputs {
  readonly #setup: AttachedInputsSetup;
  readonly #parts: InputPart[] = [];
  /** Of parts that were read and not offered yet. */
  readonly #pending = new Map<number, ResultSourceRef>();
  /** Calls whose input is made of results, and when it is. */
  readonly #resolving = new Map<number, Promise<void>>();
  #offered = 0;
  #total: number | undefined;
  #ended = false;

  constructor(setup: AttachedInputsSetup) {
    this.#setup = setup;
    const { descriptor, run } = setup;
    this.#total = descriptor.calls ?? undefined;
    if (descriptor.inputs === undefined) return;
    const calls = descriptor.calls ?? 0;
    this.#parts.push({ firstCall: 0, calls });
    run.inputs.addEncoded(0, calls, descriptor.inputs);
  }

  /** Reads which inputs are in storage, and whether they are all. Asks for nothing once all are known. */
  async read(): Promise<void> {
    if (this.#missing(this.#total).length === 0 && this.#total !== undefined) return;
    // Before the parts: what is said to be all must be there.
    const total = this.#total ?? (await this.#readTotal());
    for (const part of await this.#listParts()) await this.#take(part);
    this.#total = total;
  }

  /** Lets the job have what was read since the last time. */
  offer(): void {
    const { run, resultSource } = this.#setup;
    for (const part of this.#parts.slice(this.#offered)) {
      const range = { from: part.firstCall, to: part.firstCall + part.calls };
      for (const calls of subranges(range, (callId) => !this.#pending.has(callId)))
        run.feed({ type: 'inputs-ready', calls });
    }
    this.#offered = this.#parts.length;
    for (const [callId, ref] of this.#pending) {
      if (!run.isSettled(callId)) this.#resolving.set(callId, awaitInput(run, { callId, source: resultSource(ref) }));
    }
    this.#pending.clear();
    if (this.#ended || this.#total === undefined || this.#missing(this.#total).length > 0) return;
    this.#ended = true;
    run.feed({ type: 'inputs-ended', total: this.#total });
  }

  /** Resolves once this client has the inputs of calls that were submitted before: those are all there. */
  async resolvedInFlight(): Promise<void> {
    const submitted = this.#setup.run.inFlightCalls();
    const wasSubmitted = (callId: number): boolean => submitted.some(({ from, to }) => callId >= from && callId < to);
    await Promise.all([...this.#resolving].flatMap(([callId, resolved]) => (wasSubmitted(callId) ? [resolved] : [])));
  }

  /** Nobody will add any more: the job ends with the calls whose inputs are in storage; what is missing is said. */
  end(): void {
    const { run, job } = this.#setup;
    const missing = this.#missing(this.#total);
    if (this.#total !== undefined && missing.length === 0) return;
    const known = this.#parts.reduce((most, part) => Math.max(most, part.firstCall + part.calls), 0);
    const ranges = missing.map(({ from, to }) => `${from} to ${to - 1}`).join(', ');
    const what =
      this.#total === undefined
        ? `its inputs were still being read; those from call ${known} on were never written`
        : `the inputs of calls ${ranges} were never written`;
    const error = new JobError(
      'JOB_INCOMPLETE',
      `Job ${formatJobId(job)} cannot be completed: its client was gone before ${what}. settled() has the outcomes of all other calls.`,
      { details: { jobId: formatJobId(job), missing, known } },
    );
    for (const range of missing) {
      for (let callId = range.from; callId < range.to; callId += 1) run.inputFailed(callId, error);
    }
    run.readingFailed(error, this.#total ?? known);
  }

  /** What lies between the parts, and behind the last one up to `total`. */
  #missing(total: number | undefined): CallRange[] {
    const missing: CallRange[] = [];
    let end = 0;
    for (const part of [...this.#parts, { firstCall: total ?? end, calls: 0 }]) {
      if (part.firstCall > end) missing.push({ from: end, to: part.firstCall });
      end = Math.max(end, part.firstCall + part.calls);
    }
    return missing;
  }

  async #take(part: InputPart): Promise<void> {
    const { job, services, run, mayBePending } = this.#setup;
    if (this.#parts.some(({ firstCall, calls }) => part.firstCall < firstCall + calls && part.firstCall >= firstCall))
      return;
    if (mayBePending) {
      const decoded = decodeInputPart(await services.storage.get(inputPartKey(job, part)));
      for (let callId = part.firstCall; callId < part.firstCall + part.calls; callId += 1) {
        const ref = pendingRef(decoded.payload(callId));
        if (ref !== undefined) this.#pending.set(callId, ref);
      }
    }
    run.inputs.addStored(part);
    this.#parts.push(part);
  }

  /** The parts that do not overlap, in order. Resolved inputs of single calls lie beside the part they belong to. */
  async #listParts(): Promise<InputPart[]> {
    const { job, services } = this.#setup;
    const parts: InputPart[] = [];
    for await (const { key } of services.storage.list(inputsPrefix(job))) {
      const part = parseInputPartKey(key);
      if (part === undefined) continue;
      const last = parts.at(-1);
      if (last === undefined || part.firstCall >= last.firstCall + last.calls) parts.push(part);
      else if (part.firstCall === last.firstCall && part.calls > last.calls) parts[parts.length - 1] = part;
    }
    return parts;
  }

  async #readTotal(): Promise<number | undefined> {
    const { job, services } = this.#setup;
    if ((await services.storage.head(inputsEndKey(job))) === undefined) return undefined;
    const bytes = await services.storage.get(inputsEndKey(job));
    return (JSON.parse(new TextDecoder().decode(bytes)) as { total: number }).total;
  }
}
