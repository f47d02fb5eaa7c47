/** What a job's run is made of. */
import type { Backend } from '../contracts/backend.ts';
import type { JobRef } from '../contracts/calls.ts';
import type { Clock } from '../contracts/clock.ts';
import type { Logger } from '../contracts/logger.ts';
import type { StatusSubscriber } from '../contracts/monitoring.ts';
import type { Storage } from '../contracts/storage.ts';
import type { ShippedFunction } from '../functions/ship-function.ts';
import type { JobEmitter } from './job-events.ts';
import type { JobInputs } from './job-inputs.ts';
import type { ResolvedJobOptions } from './job-options.ts';

/** The executor's parts that a job uses. */
export interface JobServices {
  readonly tenant: string;
  readonly storage: Storage;
  readonly backend: Backend;
  readonly subscriber: StatusSubscriber;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Held while jobs run. */
  readonly keepAlive: { acquire(): void; release(): void };
}

export interface JobSetup {
  readonly job: JobRef;
  readonly name: string;
  readonly options: ResolvedJobOptions;
  readonly services: JobServices;
  readonly emitter: JobEmitter;
  /** Aborting it cancels the job. */
  readonly signal: AbortSignal;
  /** Makes errors and results what they were. */
  readonly decoder: Pick<ShippedFunction, 'decodeResult' | 'mapStack'>;
}

/** A job that this client submits. */
export interface NewJobSetup extends JobSetup {
  readonly shipped: ShippedFunction;
  readonly inputs: JobInputs;
  /** Encodes an item of a lazy input. */
  readonly encodeInput: (value: unknown) => Uint8Array;
  /** Resolves once the function's artifact is in storage. */
  readonly uploaded: Promise<void>;
}
