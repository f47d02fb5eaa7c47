/** A slot as its worker sees it, whether it is a process or a thread. */
import type { SlotDeath } from '../assignment/assignment-types.ts';
import type {
  OutputCapture,
  SlotCall,
  SlotFinished,
  SlotJob,
  SlotLog,
  SlotSetup,
  StopCause,
} from '../protocol/slot-messages.ts';
import type { OutputFiles } from './output-files.ts';

export interface SlotHandle {
  readonly pid: number | undefined;
  /** Resident memory of the process when it got ready, before its first call: no call's own. */
  readonly baseBytes: number;
  /** Where the process writes, when its output goes to files. */
  readonly output: OutputFiles | undefined;
  readonly capture: OutputCapture;
  /** Hands calls over; the job's message goes before them when it is not the one sent last. */
  run(job: SlotJob, firstSequence: number, calls: readonly SlotCall[]): void;
  abort(sequence: number, cause: StopCause): void;
  recall(): void;
  /** `memory` notes that it is killed for its size, so that its death says so. */
  kill(signal: 'SIGTERM' | 'SIGKILL', memory?: string): void;
}

/** What a slot tells; after `died` it tells nothing. Messages come in the order in which they were sent. */
export interface SlotEvents {
  ready(): void;
  finished(calls: readonly SlotFinished[]): void;
  log(message: SlotLog): void;
  recalled(fromSequence: number | undefined): void;
  died(death: SlotDeath): void;
}

export interface SlotStart {
  readonly setup: SlotSetup;
  /** Limit of the JavaScript heap; null: Node's own. */
  readonly memoryMiB: number | null;
  readonly outputDirectory: string;
  readonly workerDirectory: string;
  /** Whether the kernel ends the slot, whatever it does, when the worker ends: the worker is the first in a container. */
  readonly endsWithWorker: boolean;
  readonly events: SlotEvents;
}
