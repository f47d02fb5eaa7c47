/**
 * What a worker and its slots say to each other. Structured clone of plain data: `v8.serialize` in a frame between
 * processes of one machine and one Node binary, `postMessage` between threads. What each call needs is packed by hand.
 */
import { deserialize, serialize } from 'node:v8';
import type {
  CallLog,
  CallOutcome,
  CallUsage,
  InputPart,
  JobDescriptor,
  JobRef,
  WorkerPlugins,
} from '@splitrock/core/plugin';
import {
  QUICK_CALLS,
  QUICK_FINISHED,
  decodeQuickCalls,
  decodeQuickFinished,
  encodeQuickCalls,
  encodeQuickFinished,
} from './quick-messages.ts';

/** How a slot's output is caught: descriptors of files, or by wrapping `process.stdout` and `process.stderr`. */
export type OutputCapture = 'files' | 'streams';

/** Says once what the slot is. Travels over the private channel: the plugin options hold credentials. */
export interface SlotSetup {
  readonly type: 'setup';
  readonly slot: number;
  readonly workerId: string;
  readonly tenant: string;
  readonly callsPerProcess: number;
  readonly capture: OutputCapture;
  readonly plugins: WorkerPlugins;
  /** Folder for unpacked functions. */
  readonly cacheDirectory: string;
  /** Where functions find packages that were not bundled with them. */
  readonly nodeModules: string | undefined;
}

/** What a slot needs of a job's descriptor. */
export type SlotJobDescriptor = Omit<JobDescriptor, 'client' | 'inputs'>;

/** A job whose calls will follow. All calls handed until the next such message are of this job. */
export interface SlotJob {
  readonly type: 'job';
  readonly job: JobRef;
  /** Checked and decoded by the worker, once for all slots. */
  readonly descriptor: SlotJobDescriptor;
  /** Path of the function's artifact on this machine's disk. */
  readonly artifactPath: string;
  /** Path of the captured values, when the descriptor does not hold them. */
  readonly environmentPath?: string;
}

export interface SlotCalls {
  readonly type: 'calls';
  /** Number of the first of them in this slot; they count up from there. */
  readonly firstSequence: number;
  readonly calls: readonly SlotCall[];
  /** Calls that were numbered between the last ones and these were taken back before they were sent. */
  readonly afterGap?: boolean;
}

export interface SlotCall {
  readonly callId: number;
  readonly attempt: number;
  /** The input's payload, kind byte included, or the stored part that holds it. */
  readonly input: Uint8Array | InputPart;
}

export type StopCause = 'timeout' | 'cancel' | 'drain';

/** Aborts the signal of a running call. */
export interface SlotAbort {
  readonly type: 'abort';
  readonly sequence: number;
  readonly cause: StopCause;
}

/** Starts the control thread of a slot process that began without; comes before the first calls that must wait. */
export interface SlotControl {
  readonly type: 'control';
}

export type ToSlot = SlotSetup | SlotJob | SlotCalls | SlotAbort;

export interface SlotReady {
  readonly type: 'ready';
}

/** Byte positions in the slot's output files when the call began and ended; only with `files` capture. */
export interface OutputMarks {
  readonly stdout: readonly [begin: number, end: number];
  readonly stderr: readonly [begin: number, end: number];
}

export interface SlotFinished {
  readonly type: 'finished';
  readonly sequence: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly outcome: CallOutcome;
  readonly usage?: CallUsage;
  readonly output?: OutputMarks;
  /** The process is unfit for more calls (an error outside any promise) and ends itself after this message. */
  readonly lastWords?: boolean;
}

/** Output of a call that the slot itself caught, or a line of the context's logger. `sequence` -1: of no known call. */
export interface SlotLog extends Pick<CallLog, 'stream' | 'atMs' | 'text' | 'extra'> {
  readonly type: 'log';
  readonly sequence: number;
}

/** The process is about to exit on its own; `sequence` names the call that caused it, if it is known. */
export interface SlotExiting {
  readonly type: 'exiting';
  readonly sequence?: number;
  /** No running call is to blame: what a finished one left behind failed. */
  readonly leftover: boolean;
  readonly message: string;
}

export type FromSlot = SlotReady | SlotFinished | SlotLog | SlotExiting;

/** Asks a slot's control thread to take back the calls that have not begun. */
export interface RecallCalls {
  readonly type: 'recall';
}

/** All calls from this number on did not begin and will not. */
export interface CallsRecalled {
  readonly type: 'recalled';
  readonly fromSequence?: number;
}

type SlotMessage = ToSlot | SlotControl | FromSlot | RecallCalls | CallsRecalled | readonly FromSlot[];

export function encodeMessage(message: SlotMessage): Uint8Array {
  if ('type' in message) {
    const quick =
      message.type === 'calls'
        ? encodeQuickCalls(message)
        : message.type === 'finished'
          ? encodeQuickFinished(message)
          : undefined;
    if (quick !== undefined) return quick;
  }
  return serialize(message);
}

/** Both ends are this package's own code on one machine, so the shape is not checked again. Bytes may be views. */
export function decodeMessage<Message>(payload: Buffer): Message {
  if (payload[0] === QUICK_CALLS) return decodeQuickCalls(payload) as Message;
  if (payload[0] === QUICK_FINISHED) return decodeQuickFinished(payload) as Message;
  return deserialize(payload) as Message;
}
