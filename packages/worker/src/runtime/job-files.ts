/** Fetches what a job's calls need, once per job and worker, and puts it where slots can read it. */
import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  SerializationError,
  artifactKey,
  decodeJobDescriptor,
  environmentKey,
  formatJobId,
  jobDescriptorKey,
  type JobDescriptor,
  type JobRef,
  type Storage,
} from '@splitrock/core/plugin';
import type { JobNeeds } from '../assignment/assignment-types.ts';
import type { SlotJob } from '../protocol/slot-messages.ts';
import type { WorkerDirectory } from './worker-directory.ts';

/** A job that slots can run. */
export interface PreparedJob {
  readonly message: SlotJob;
  readonly needs: JobNeeds;
  readonly descriptor: JobDescriptor;
}

interface Artifact {
  readonly path: Promise<string>;
  /** Jobs in hand that use it. */
  jobs: number;
}

/** Artifacts that no job in hand uses are kept for the next one: a function is often mapped again. */
const MAX_IDLE_ARTIFACTS = 32;

export class JobFiles {
  readonly #storage: Storage;
  readonly #directory: WorkerDirectory;
  readonly #artifacts = new Map<string, Artifact>();
  #fetched = 0;

  constructor(storage: Storage, directory: WorkerDirectory) {
    this.#storage = storage;
    this.#directory = directory;
  }

  /** @throws SerializationError, StorageError; nothing of a failed job is kept. */
  async prepare(job: JobRef, descriptorBytes: Uint8Array | undefined): Promise<PreparedJob> {
    const bytes = descriptorBytes ?? (await this.#storage.get(jobDescriptorKey(job)));
    const descriptor = decodeJobDescriptor(bytes);
    const artifactPath = await this.#artifact(descriptor.function.artifact);
    const environmentPath = descriptor.function.environment === 'stored' ? await this.#environment(job) : undefined;
    const { client: _client, inputs: _inputs, ...forSlots } = descriptor;
    const message: SlotJob = {
      type: 'job',
      job,
      descriptor: forSlots,
      artifactPath,
      ...(environmentPath === undefined ? {} : { environmentPath }),
    };
    return { message, needs: needsOf(descriptor), descriptor };
  }

  /** Removes what only this job used. */
  async release({ message, descriptor }: PreparedJob): Promise<void> {
    if (message.environmentPath !== undefined) await rm(message.environmentPath, { force: true });
    const sha256 = descriptor.function.artifact;
    const artifact = this.#artifacts.get(sha256);
    if (artifact === undefined) return;
    artifact.jobs -= 1;
    if (artifact.jobs > 0) return;
    // To the end of the map: what was used last is dropped last.
    this.#artifacts.delete(sha256);
    this.#artifacts.set(sha256, artifact);
    await this.#dropIdle();
  }

  async #dropIdle(): Promise<void> {
    const idle = [...this.#artifacts].filter(([, { jobs }]) => jobs === 0);
    for (const [sha256, { path }] of idle.slice(0, Math.max(0, idle.length - MAX_IDLE_ARTIFACTS))) {
      this.#artifacts.delete(sha256);
      await rm(await path, { force: true });
    }
  }

  async #artifact(sha256: string): Promise<string> {
    let artifact = this.#artifacts.get(sha256);
    if (artifact === undefined)
      this.#artifacts.set(sha256, (artifact = { path: this.#fetchArtifact(sha256), jobs: 0 }));
    artifact.jobs += 1;
    try {
      return await artifact.path;
    } catch (error) {
      this.#artifacts.delete(sha256);
      throw error;
    }
  }

  async #fetchArtifact(sha256: string): Promise<string> {
    const key = artifactKey(sha256);
    const bytes = await this.#storage.get(key);
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== sha256) {
      throw new SerializationError(
        'DATA_CORRUPT',
        `A function in storage is not what its name says [key=${key}, sha256=${found}]; remove it and submit the job again.`,
      );
    }
    // Never the same name twice: an older file of this function may be on its way out.
    this.#fetched += 1;
    const path = join(this.#directory.artifacts, `${sha256}-${this.#fetched}.mjs.gz`);
    await writeFile(path, bytes);
    return path;
  }

  async #environment(job: JobRef): Promise<string> {
    const path = join(this.#directory.environments, formatJobId(job));
    await writeFile(path, await this.#storage.get(environmentKey(job)), { mode: 0o600 });
    return path;
  }
}

function needsOf({ run, function: fn }: JobDescriptor): JobNeeds {
  return {
    timeoutMs: run.timeoutMs,
    abortGraceMs: run.abortGraceMs,
    killGraceMs: run.killGraceMs,
    slotsPerCall: Math.max(1, Math.ceil(run.cpu)),
    memoryMiB: run.memoryMiB,
    chunkSize: run.chunkSize,
    functionId: fn.artifact,
  };
}
