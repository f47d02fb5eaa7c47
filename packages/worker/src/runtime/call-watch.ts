/**
 * Watches calls that run: tells that they started, carries their output to the log while they go on, and ends those that
 * outgrow their memory. A beat of a timer does it, and only while calls run; short calls never see one.
 */
import type { Clock, ClockTimer, StatusEvent } from '@splitrock/core/plugin';
import type { OutputMarks, SlotLog } from '../protocol/slot-messages.ts';
import type { OutputFiles } from '../slots/output-files.ts';
import type { SlotHandle } from '../slots/slot-handle.ts';
import { residentBytes } from '../slots/resident-memory.ts';
import { CallOutput, beginOf, endOf, type LogPiece } from './call-output.ts';
import type { LeasedCall } from './held-call.ts';

const BEAT_MS = 100;

/** How far a slot's files went when it was looked at, and which call ran there as far as was known. */
interface Sight {
  readonly slot: number;
  readonly handle: SlotHandle;
  readonly sequence: number;
  readonly upTo: { readonly stdout: number; readonly stderr: number };
}
const MIB = 1024 * 1024;

interface RunningCall {
  readonly call: LeasedCall;
  readonly sequence: number;
  readonly startedAtMs: number;
}

export interface CallWatchDeps {
  readonly workerId: string;
  readonly clock: Clock;
  readonly slots: () => Iterable<readonly [slot: number, handle: SlotHandle]>;
  readonly running: (slot: number) => Iterable<RunningCall>;
  readonly emit: (call: Pick<LeasedCall, 'job' | 'jobRef'>, event: StatusEvent) => void;
  readonly maxLogBytes: (job: string) => number;
  readonly memoryMiB: (job: string) => number | null;
}

export class CallWatch {
  readonly #deps: CallWatchDeps;
  readonly #told = new Set<LeasedCall>();
  readonly #outputs = new Map<LeasedCall, CallOutput>();
  /** Output that no call of a job can own, for each job. */
  readonly #strays = new Map<string, CallOutput>();
  #beat: ClockTimer | undefined;
  #reading: NodeJS.Immediate | undefined;

  constructor(deps: CallWatchDeps) {
    this.#deps = deps;
  }

  /** Begins to beat if anything runs. */
  wake(): void {
    if (this.#beat !== undefined || !this.#anythingRuns()) return;
    this.#beat = this.#deps.clock.setTimer(() => this.#onBeat(), BEAT_MS, { keepAlive: true });
  }

  stop(): void {
    this.#beat?.cancel();
    this.#beat = undefined;
    clearImmediate(this.#reading);
  }

  /** Takes what a call that ended has written, before its end is told. */
  finished(handle: SlotHandle, call: LeasedCall, marks: OutputMarks | undefined): void {
    const { output } = handle;
    if (output === undefined || marks === undefined) return;
    const [stdout, stderr] = [output.stdout.position, output.stderr.position];
    if (marks.stdout[0] > stdout || marks.stderr[0] > stderr) this.#stray(call).read(output, beginOf(marks));
    if (marks.stdout[1] > stdout || marks.stderr[1] > stderr) this.#output(call).read(output, endOf(marks));
  }

  /** A slot has nothing to do: its files can be emptied. */
  rested({ output }: SlotHandle): void {
    output?.stdout.empty();
    output?.stderr.empty();
  }

  /** Takes what the slot itself caught of a call. */
  logged(call: LeasedCall, message: SlotLog): void {
    this.#output(call).take(message);
  }

  /** Takes what the slot caught and no running call owns; `call` tells the job. */
  strayed(call: LeasedCall, message: SlotLog): void {
    this.#stray(call).take(message);
  }

  /** Takes the rest of a dead process's output: it is the running call's, if there is one alone. */
  died(slot: number, handle: SlotHandle): void {
    if (handle.output === undefined) return;
    const [running] = this.#deps.running(slot);
    if (running !== undefined) this.#owner(handle, running.call).read(handle.output);
  }

  /** The call's end is told next: no more of its output comes. */
  ended(call: LeasedCall): void {
    this.#told.delete(call);
    this.#outputs.get(call)?.end();
    this.#outputs.delete(call);
  }

  dropJob(job: string): void {
    this.#strays.delete(job);
  }

  #onBeat(): void {
    this.#beat = undefined;
    const { slots, running, clock } = this.#deps;
    const nowMs = clock.now();
    const sights: Sight[] = [];
    for (const [slot, handle] of slots()) {
      const calls = [...running(slot)];
      const [first] = calls;
      if (first === undefined) continue;
      for (const call of calls) if (nowMs - call.startedAtMs >= BEAT_MS) this.#tellStarted(slot, call);
      if (handle.output !== undefined)
        sights.push({ slot, handle, sequence: first.sequence, upTo: sizesOf(handle.output) });
      this.#checkMemory(handle, first.call);
    }
    this.#readSoon(sights);
    this.wake();
  }

  /**
   * A slot tells the end of a call before the next one begins, but this may not have been heard when the files were looked
   * at: they may hold what the next call wrote. The first immediate ends this phase, the second comes after the next poll;
   * a call that runs even then has written all that was seen.
   */
  #readSoon(sights: readonly Sight[]): void {
    if (sights.length === 0) return;
    clearImmediate(this.#reading);
    this.#reading = setImmediate(
      () => (this.#reading = setImmediate(() => sights.forEach((sight) => this.#read(sight)))),
    );
  }

  #read({ slot, handle, sequence, upTo }: Sight): void {
    const [first] = this.#deps.running(slot);
    if (first === undefined || first.sequence !== sequence || handle.output === undefined) return;
    for (const [each, current] of this.#deps.slots()) {
      if (each === slot && current === handle) this.#owner(handle, first.call).read(handle.output, upTo);
    }
  }

  #anythingRuns(): boolean {
    for (const [slot] of this.#deps.slots()) for (const _running of this.#deps.running(slot)) return true;
    return false;
  }

  #tellStarted(slot: number, { call, startedAtMs }: RunningCall): void {
    if (this.#told.has(call)) return;
    this.#told.add(call);
    const { callId, attempt } = call;
    this.#deps.emit(call, { type: 'started', callId, attempt, workerId: this.#deps.workerId, slot, startedAtMs });
  }

  /** Resident memory that the process has taken since it got ready, against the limit of the job whose calls it runs. */
  #checkMemory(handle: SlotHandle, call: LeasedCall): void {
    const limitMiB = this.#deps.memoryMiB(call.job);
    if (limitMiB === null || handle.pid === undefined) return;
    const bytes = residentBytes(handle.pid) - handle.baseBytes;
    if (bytes <= limitMiB * MIB) return;
    const used = Math.ceil(bytes / MIB);
    handle.kill(
      'SIGKILL',
      `used more memory than its job allows [usedMiB=${used}, memoryMiB=${limitMiB}] and was killed`,
    );
  }

  /** Files of a shared process hold what no call can own. */
  #owner(handle: SlotHandle, call: LeasedCall): CallOutput {
    return handle.capture === 'files' ? this.#output(call) : this.#stray(call);
  }

  #output(call: LeasedCall): CallOutput {
    let output = this.#outputs.get(call);
    if (output === undefined) this.#outputs.set(call, (output = this.#newOutput(call, call.callId, call.attempt)));
    return output;
  }

  #stray(call: LeasedCall): CallOutput {
    let output = this.#strays.get(call.job);
    if (output === undefined) this.#strays.set(call.job, (output = this.#newOutput(call, -1, call.attempt)));
    return output;
  }

  #newOutput(call: LeasedCall, callId: number, attempt: number): CallOutput {
    const { workerId, clock, emit, maxLogBytes } = this.#deps;
    const { job, jobRef } = call;
    const tell = (piece: LogPiece): void => emit({ job, jobRef }, { type: 'log', callId, attempt, workerId, ...piece });
    return new CallOutput(maxLogBytes(job), () => clock.now(), tell);
  }
}

const sizesOf = ({ stdout, stderr }: OutputFiles): Sight['upTo'] => ({ stdout: stdout.size, stderr: stderr.size });
