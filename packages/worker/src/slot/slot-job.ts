/** A job as a slot holds it: its function loaded once, its inputs' reader. */
import { readFile } from 'node:fs/promises';
import {
  UserStorage,
  formatJobId,
  jobObjectsPrefix,
  loadFunction,
  type DataStorages,
  type JobRef,
  type LoadedFunction,
} from '@splitrock/core/plugin';
import type { SlotCall, SlotJob, SlotJobDescriptor, SlotSetup } from '../protocol/slot-messages.ts';
import { InputReader, decodeItem } from './input-reader.ts';

export class SlotJobRuntime {
  readonly job: JobRef;
  readonly jobId: string;
  readonly descriptor: SlotJobDescriptor;
  readonly #message: SlotJob;
  readonly #storages: DataStorages;
  readonly #setup: SlotSetup;
  readonly #inputs: InputReader;
  #userStorage: UserStorage | undefined;
  #function: Promise<LoadedFunction> | undefined;

  constructor(message: SlotJob, storages: DataStorages, setup: SlotSetup) {
    this.job = message.job;
    this.jobId = formatJobId(message.job);
    this.descriptor = message.descriptor;
    this.#message = message;
    this.#storages = storages;
    this.#setup = setup;
    this.#inputs = new InputReader(message.job, storages.own);
  }

  /** The function, loaded by the first call that needs it. A failure is kept: every call of the job then fails alike. */
  function(): Promise<LoadedFunction> {
    this.#function ??= this.#load();
    return this.#function;
  }

  readonly userStorage = (): UserStorage =>
    (this.#userStorage ??= new UserStorage(this.#storages.own, { objectsPrefix: jobObjectsPrefix(this.job) }));

  /**
   * A call's item; `neighbours` is where the run of calls waiting in this slot behind it ends, `signal` ends what the item
   * reads when its call is stopped.
   */
  async item(call: SlotCall, neighbours: number, fn: LoadedFunction, signal: () => AbortSignal): Promise<unknown> {
    const { input } = call;
    const payload = input instanceof Uint8Array ? input : await this.#inputs.payload(input, call.callId, neighbours);
    return decodeItem(payload, fn, { storages: this.#storages, signal });
  }

  async #load(): Promise<LoadedFunction> {
    const { artifactPath, environmentPath } = this.#message;
    const { cacheDirectory, nodeModules } = this.#setup;
    return loadFunction({
      sha256: this.descriptor.function.artifact,
      artifact: () => readFile(artifactPath),
      environment: environmentPath === undefined ? this.descriptor.environment : await readFile(environmentPath),
      cacheDirectory,
      ...(nodeModules === undefined ? {} : { nodeModules }),
    });
  }
}
