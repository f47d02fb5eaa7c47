/** One job of the suite: written to storage, submitted as the test wants, its status recorded. */
import {
  INPUT_VALUE,
  artifactKey,
  decodeValue,
  encodeInputPart,
  encodeJobDescriptor,
  encodeValue,
  environmentKey,
  formatJobId,
  inputPartKey,
  jobDescriptorKey,
  type Backend,
  type CallFinished,
  type CallRange,
  type CallSubmission,
  type CallsLostEvent,
  type InputPart,
  type JobDescriptor,
  type JobRef,
  type PackedFunction,
  type StatusEvent,
  type StatusSubscriber,
  type StatusSubscription,
  type Storage,
} from '@splitrock/core/plugin';
import { ConditionWatch } from './condition-watch.ts';
import { pack, type ConformanceFunction } from './conformance-functions.ts';

export interface ConformanceJobOptions {
  readonly fn: ConformanceFunction;
  /** Inputs of the calls from {@link firstCall}. */
  readonly inputs: readonly unknown[];
  /** @defaultValue 0 */
  readonly firstCall?: number;
  readonly run?: Partial<JobDescriptor['run']>;
  /** Where the function's captured values are. @defaultValue 'inline' */
  readonly environment?: 'inline' | 'stored';
}

export interface ConformanceJobDeps {
  readonly job: JobRef;
  readonly tenant: string;
  readonly backend: Backend;
  readonly storage: Storage;
  readonly subscriber: StatusSubscriber;
  readonly deadlineMs: number;
}

export interface SubmitOptions extends Partial<Pick<CallSubmission, 'attempt' | 'avoidWorkers'>> {
  /** @defaultValue all calls */
  readonly calls?: CallRange;
  /** Whether the inputs travel with the submission or workers read them. @defaultValue 'stored' */
  readonly inputs?: 'inline' | 'stored';
  readonly signal?: AbortSignal;
}

const RUN: JobDescriptor['run'] = {
  timeoutMs: null,
  abortGraceMs: 200,
  killGraceMs: 200,
  env: {},
  memoryMiB: null,
  cpu: 1,
  chunkSize: null,
  maxLogBytes: 65_536,
  inlineResultBytes: 1_024,
};

export class ConformanceJob {
  readonly job: JobRef;
  readonly #deps: ConformanceJobDeps;
  readonly #part: InputPart;
  readonly #payloads: readonly Uint8Array[];
  readonly #descriptor: Uint8Array;
  readonly #watch: ConditionWatch;
  #subscription: StatusSubscription | undefined;
  /** Terminal events by `call/attempt`; redelivered attempts can have several, of different workers. */
  readonly #finished = new Map<string, CallFinished[]>();
  readonly #lost = new Map<string, CallsLostEvent>();
  readonly #submitted = new Set<string>();
  /** Terminal events that the backend brought by a way of its own, by `call/attempt`. */
  readonly #delivered = new Set<string>();
  /** Calls that were seen to have begun, by `call/attempt`. */
  readonly started = new Set<string>();

  private constructor(options: ConformanceJobOptions, deps: ConformanceJobDeps, packed: PackedFunction) {
    this.job = deps.job;
    this.#deps = deps;
    this.#part = { firstCall: options.firstCall ?? 0, calls: options.inputs.length };
    this.#payloads = options.inputs.map((input) => Buffer.concat([new Uint8Array([INPUT_VALUE]), encodeValue(input)]));
    this.#watch = new ConditionWatch(deps.deadlineMs, () => this.#describe());
    const environment = options.environment ?? 'inline';
    this.#descriptor = encodeJobDescriptor({
      ...deps.job,
      tenant: deps.tenant,
      name: options.fn.name,
      createdAtMs: Date.now(),
      function: { artifact: packed.sha256, environment },
      calls: this.#part.firstCall + this.#part.calls,
      run: { ...RUN, ...options.run },
      client: {},
      environment: environment === 'inline' ? packed.environment : new Uint8Array(),
    });
  }

  /** Writes what a worker needs, then listens, as the client does before it submits. */
  static async prepare(options: ConformanceJobOptions, deps: ConformanceJobDeps): Promise<ConformanceJob> {
    const { storage, subscriber } = deps;
    const packed = pack(options.fn);
    const job = new ConformanceJob(options, deps, packed);
    await storage.put(artifactKey(packed.sha256), packed.artifact, { ifAbsent: true });
    if (options.environment === 'stored') await storage.put(environmentKey(job.job), packed.environment);
    await storage.put(jobDescriptorKey(job.job), job.#descriptor);
    await storage.put(inputPartKey(job.job, job.#part), encodeInputPart(job.#part.firstCall, job.#payloads));
    job.#subscription = await subscriber.subscribe(
      job.job,
      (events) => job.#observe(events),
      () => undefined,
      { replay: false },
    );
    return job;
  }

  get calls(): CallRange {
    return { from: this.#part.firstCall, to: this.#part.firstCall + this.#part.calls };
  }

  async submit(options: SubmitOptions = {}): Promise<void> {
    const { calls = this.calls, attempt = 1, avoidWorkers, signal } = options;
    const first = this.#part.firstCall;
    const inputs =
      options.inputs === 'inline'
        ? { inlineInputs: encodeInputPart(calls.from, this.#payloads.slice(calls.from - first, calls.to - first)) }
        : { part: this.#part };
    await this.#deps.backend.submit(
      {
        job: this.job,
        descriptor: this.#descriptor,
        calls,
        attempt,
        ...inputs,
        ...(avoidWorkers === undefined ? {} : { avoidWorkers }),
      },
      { signal },
    );
    for (const id of callIds(calls)) this.#submitted.add(`${id}/${attempt}`);
  }

  /** Resolves once every submitted attempt, or every one of `calls`, has ended: by status or by loss. */
  async ended(calls?: CallRange): Promise<void> {
    const wanted = [...this.#submitted].filter((key) => calls === undefined || isIn(calls, key));
    await this.until(() => wanted.every((key) => this.#hasEnded(key)), 'every submitted call ended');
  }

  until(condition: () => boolean, what: string): Promise<void> {
    return this.#watch.until(condition, `${what} [job=${formatJobId(this.job)}]`);
  }

  /** How many submitted attempts have ended. */
  get endedCount(): number {
    return [...this.#submitted].filter((key) => this.#hasEnded(key)).length;
  }

  /** The terminal events of an attempt, each once. */
  finished(callId: number, attempt = 1): readonly CallFinished[] {
    return this.#finished.get(`${callId}/${attempt}`) ?? [];
  }

  /** What the backend said of an attempt's loss, if it did. */
  lost(callId: number, attempt = 1): CallsLostEvent | undefined {
    return this.#lost.get(`${callId}/${attempt}`);
  }

  /** The calls whose attempt ended without a value or an error of the user's: what a client would try again. */
  lostCalls(attempt = 1): readonly number[] {
    return callIds(this.calls).filter((callId) => {
      if (this.lost(callId, attempt) !== undefined) return true;
      return this.finished(callId, attempt).every(({ outcome }) => outcome.kind === 'lost');
    });
  }

  /** The value of a call, wherever it is. Throws when it has none. */
  async value(callId: number, attempt = 1): Promise<unknown> {
    for (const { outcome } of this.finished(callId, attempt)) {
      if (outcome.kind !== 'value') continue;
      return decodeValue('key' in outcome ? await this.#deps.storage.get(outcome.key) : outcome.inline);
    }
    const outcomes = this.finished(callId, attempt).map(({ outcome }) => JSON.stringify(outcome, withoutBytes));
    throw new Error(`Call ${callId} has no value, but [${outcomes.join(', ')}]. ${this.#describe()}`);
  }

  async values(calls: CallRange = this.calls, attempt = 1): Promise<readonly unknown[]> {
    return Promise.all(callIds(calls).map((callId) => this.value(callId, attempt)));
  }

  /** Has every status that is durable now delivered. */
  async refresh(): Promise<void> {
    await this.#subscription?.refresh();
  }

  async close(): Promise<void> {
    await this.#subscription?.close();
  }

  /** Called by the fixture for events of this job. */
  callsLost(event: CallsLostEvent): void {
    for (const callId of event.calls.flatMap(callIds)) this.#lost.set(`${callId}/${event.attempt}`, event);
    this.#watch.changed();
  }

  /** Called by the fixture for status that the backend brought itself. */
  delivered(events: readonly StatusEvent[]): void {
    for (const { type, callId, attempt } of events)
      if (type === 'finished') this.#delivered.add(`${callId}/${attempt}`);
    this.#watch.changed();
  }

  /** Calls whose end the backend has neither brought nor named as lost. */
  unheard(attempt = 1): readonly number[] {
    return callIds(this.calls).filter((callId) => {
      const key = `${callId}/${attempt}`;
      return this.#submitted.has(key) && !this.#delivered.has(key) && !this.#lost.has(key);
    });
  }

  #observe(events: readonly StatusEvent[]): void {
    for (const event of events) {
      const key = `${event.callId}/${event.attempt}`;
      if (event.type === 'log') continue;
      this.started.add(key);
      if (event.type === 'finished') this.#addFinished(key, event);
    }
    this.#watch.changed();
  }

  /** Monitoring may deliver an event twice; two runs of an attempt differ in where or when they began. */
  #addFinished(key: string, event: CallFinished): void {
    const known = this.#finished.get(key) ?? [];
    const isKnown = known.some((one) => one.workerId === event.workerId && one.startedAtMs === event.startedAtMs);
    if (!isKnown) this.#finished.set(key, [...known, event]);
  }

  #hasEnded(key: string): boolean {
    return this.#finished.has(key) || this.#lost.has(key);
  }

  #describe(): string {
    const open = [...this.#submitted].filter((key) => !this.#hasEnded(key));
    const failures = [...this.#finished.values()].flat().filter(({ outcome }) => outcome.kind === 'failed');
    const [loss] = this.#lost.values();
    return [
      `Submitted ${this.#submitted.size}, begun ${this.started.size}, finished ${this.#finished.size}, lost ${this.#lost.size}.`,
      open.length > 0 ? `Open (call/attempt): ${open.slice(0, 20).join(', ')}${open.length > 20 ? ', …' : ''}.` : '',
      loss === undefined ? '' : `First loss: ${loss.reason.message}.`,
      failures[0] === undefined ? '' : `First failure: ${JSON.stringify(failures[0].outcome)}`,
    ].join(' ');
  }
}

const callIds = ({ from, to }: CallRange): number[] => Array.from({ length: to - from }, (_, index) => from + index);

function isIn({ from, to }: CallRange, key: string): boolean {
  const callId = Number.parseInt(key, 10);
  return callId >= from && callId < to;
}

const withoutBytes = (_key: string, value: unknown): unknown =>
  value instanceof Uint8Array ? `${value.length} bytes` : value;
