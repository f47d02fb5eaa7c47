/** A real worker with real slots for tests, in this process, with a source and a publisher that the test holds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  artifactKey,
  decodeValue,
  encodeInputPart,
  encodeJobDescriptor,
  encodeValue,
  inputPartKey,
  packSelfContainedFunction,
  silentLogger,
  systemClock,
  INPUT_VALUE,
  type CallFinished,
  type JobDescriptor,
  type JobRef,
  type SlotOptions,
  type WorkerBootstrap,
} from '@splitrock/core/plugin';
import { WorkerRuntime, type WorkerRuntimeOptions } from '../src/runtime/worker-runtime.ts';
import { DirectoryStorage } from './directory-storage.ts';
import { FakeCallSource, FakePublisher } from './fakes.ts';

export interface TestJob {
  /** An expression that is the function: `(item, context) => …`. */
  readonly source: string;
  readonly items?: readonly unknown[];
  readonly run?: Partial<JobDescriptor['run']>;
  readonly attempt?: number;
  /** Puts the inputs into storage instead of the lease. */
  readonly stored?: boolean;
  /** The function is not in storage, as far as the job knows. */
  readonly lost?: boolean;
  /** What becomes of the function's two parts on the way to the worker. */
  readonly damage?: (bytes: Uint8Array, part: 'artifact' | 'environment') => Uint8Array;
  /** Encoded inputs, kind byte included, instead of `items`. */
  readonly payloads?: readonly Uint8Array[];
}

export const value = (item: unknown): Uint8Array => Buffer.concat([Uint8Array.of(INPUT_VALUE), encodeValue(item)]);

export class WorkerHarness implements AsyncDisposable {
  readonly source = new FakeCallSource();
  readonly publisher = new FakePublisher();
  readonly directory = mkdtempSync(join(tmpdir(), 'splitrock-worker-test-'));
  readonly storage = new DirectoryStorage(join(this.directory, 'storage'));
  readonly worker: WorkerRuntime;
  #jobs = 0;

  constructor(slots: Partial<SlotOptions> = {}, more: Partial<WorkerRuntimeOptions> = {}) {
    this.worker = new WorkerRuntime({
      workerId: 'w1',
      tenant: 'test',
      source: this.source,
      publisher: this.publisher,
      storage: this.storage,
      slots: { workerProcesses: 1, callsPerProcess: 1, kind: 'process', ...slots },
      plugins: this.plugins(),
      logger: silentLogger,
      clock: systemClock,
      ...more,
    });
  }

  static async start(
    slots: Partial<SlotOptions> = {},
    more: Partial<WorkerRuntimeOptions> = {},
  ): Promise<WorkerHarness> {
    const harness = new WorkerHarness(slots, more);
    await harness.worker.start();
    return harness;
  }

  plugins(): Pick<WorkerBootstrap, 'backend' | 'storage' | 'monitoring'> {
    const module = new URL('./directory-storage.ts', import.meta.url).href;
    const storage = { module, name: 'directory', options: { directory: join(this.directory, 'storage') } };
    const none = { module: 'none', name: 'none', options: {} };
    return { storage, backend: none, monitoring: none };
  }

  /** Writes a job and offers its calls to the worker. */
  async submit(job: TestJob): Promise<JobRef> {
    return this.#submit(job, false);
  }

  async #submit(testJob: TestJob, again: boolean): Promise<JobRef> {
    const {
      source,
      items = [0],
      run = {},
      attempt = 1,
      stored = false,
      lost = false,
      damage = (bytes) => bytes,
      payloads,
    } = testJob;
    this.#jobs += 1;
    const job: JobRef = { executorId: 'abcdefghijkl', jobNumber: this.#jobs };
    const { artifact, sha256, environment } = packSelfContainedFunction(source);
    await this.storage.put(artifactKey(sha256), damage(artifact, 'artifact'));
    const inputs = payloads ?? items.map(value);
    const part = { firstCall: 0, calls: inputs.length };
    if (stored) await this.storage.put(inputPartKey(job, part), encodeInputPart(0, inputs));
    this.source.offer({
      job,
      calls: { from: 0, to: inputs.length },
      attempt,
      descriptor: encodeJobDescriptor({
        ...testDescriptor(job, lost ? '0'.repeat(64) : sha256, run, inputs.length),
        environment: damage(environment, 'environment'),
      }),
      ...(stored ? { part } : { payloads: inputs }),
      again,
    });
    return job;
  }

  /** Runs a job to its end and returns how its calls finished, by call id. */
  async run(job: TestJob): Promise<readonly CallFinished[]> {
    const ref = await this.#submit(job, true);
    await this.source.answered((job.payloads ?? job.items ?? [0]).length, ref);
    return this.publisher.finished(ref).toSorted((a, b) => a.callId - b.callId);
  }

  /** The values of calls that must all have succeeded. */
  async values(job: TestJob): Promise<readonly unknown[]> {
    return (await this.run(job)).map((finished) => inlineValue(finished));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.drain({ graceMs: 0, reason: 'test is over' });
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The value of a call that must have succeeded. */
export function inlineValue(finished: CallFinished | undefined): unknown {
  const outcome = finished?.outcome;
  if (outcome?.kind === 'value' && 'inline' in outcome) return decodeValue(outcome.inline);
  throw new Error(`The call has no inline value: ${JSON.stringify(outcome)}`);
}

/** What a call that must have failed threw. */
export function decodedError(finished: CallFinished | undefined): unknown {
  const outcome = finished?.outcome;
  if (outcome?.kind === 'error') return decodeValue(outcome.error);
  throw new Error(`The call has no error: ${JSON.stringify(outcome)}`);
}

export function testDescriptor(
  job: JobRef,
  artifact: string,
  run: Partial<JobDescriptor['run']>,
  calls: number,
): JobDescriptor {
  return {
    ...job,
    tenant: 'test',
    name: 'test job',
    createdAtMs: Date.now(),
    function: { artifact, environment: 'inline' },
    calls,
    run: {
      timeoutMs: null,
      abortGraceMs: 50,
      killGraceMs: 100,
      env: {},
      memoryMiB: null,
      cpu: 1,
      chunkSize: null,
      maxLogBytes: 1024 * 1024,
      inlineResultBytes: 8192,
      ...run,
    },
    client: null,
    environment: new Uint8Array(),
  };
}
