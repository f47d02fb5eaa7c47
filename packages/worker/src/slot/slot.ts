/**
 * The slot's side of a worker: runs the calls it is handed, one after the other or up to `callsPerProcess` at once, and
 * tells how each ended before the next one begins, so that a crash never takes a finished call's outcome with it. Calls
 * that share their process end many at a time; those of one turn of the event loop are told together.
 */
import { fstatSync } from 'node:fs';
import {
  setAmbientWorker,
  type CallOutcome,
  type CallUsage,
  type DataStorages,
  type LoadedFunction,
} from '@splitrock/core/plugin';
import type { Claims } from '../protocol/claims.ts';
import type {
  FromSlot,
  OutputMarks,
  SlotAbort,
  SlotCall,
  SlotCalls,
  SlotFinished,
  SlotJob,
  SlotSetup,
  StopCause,
  ToSlot,
} from '../protocol/slot-messages.ts';
import { CallLogWriter } from './call-log-writer.ts';
import { callScope } from './call-scope.ts';
import { errorOutcome, failedOutcome, loadOutcome, valueOutcome } from './outcome.ts';
import { RunningCall } from './running-call.ts';
import { SlotJobRuntime } from './slot-job.ts';

/** After this long without a turn of the event loop a slot lets it turn, so that aborts and timers are not starved. */
const MAX_BUSY_MS = 2;

export interface SlotDeps {
  readonly setup: SlotSetup;
  readonly claims: Claims;
  /** The job's storage, and those that its data sets may be read from. */
  readonly storages: DataStorages;
  /** Sends synchronously: the message is with the worker when it returns. */
  readonly post: (message: FromSlot) => void;
  /** Sends in this turn of the event loop, or with the next message of {@link post}. */
  readonly postSoon: (message: FromSlot) => void;
}

interface Waiting {
  readonly sequence: number;
  readonly call: SlotCall;
  /** Stopped before it began: it begins with its signal aborted. */
  stopped: StopCause | undefined;
  /** The numbers before it were for nobody. */
  readonly afterGap: boolean;
}

interface Begun {
  readonly call: RunningCall;
  readonly startedAtMs: number;
  /** What the process had used before. */
  readonly used: NodeJS.ResourceUsage;
}

export class Slot {
  readonly #deps: SlotDeps;
  readonly #waiting: Waiting[] = [];
  readonly #running = new Map<number, Begun>();
  readonly #jobEnvironment = new JobEnvironment();
  #job: SlotJobRuntime | undefined;
  #jobError: unknown;
  #pumping = false;
  #lastTurn = performance.now();
  #marks: { stdout: number; stderr: number } | undefined;
  #used: NodeJS.ResourceUsage | undefined;

  constructor(deps: SlotDeps) {
    this.#deps = deps;
  }

  receive(message: Exclude<ToSlot, SlotSetup>): void {
    if (message.type === 'calls') this.#enqueue(message);
    else if (message.type === 'job') this.#switchJob(message);
    else this.#abort(message);
  }

  /** The only running call, or the one that `call` names if it is still running. */
  blame(call: RunningCall | undefined): RunningCall | undefined {
    if (call !== undefined) return this.#running.get(call.sequence)?.call === call ? call : undefined;
    const [only] = this.#running.values();
    return this.#running.size === 1 ? only?.call : undefined;
  }

  /** Ends a call with an error that nothing in it caught; the process is about to end. */
  fail(call: RunningCall, thrown: unknown): void {
    const begun = this.#running.get(call.sequence);
    if (begun !== undefined) this.#finish(begun, errorOutcome(thrown), true);
  }

  #switchJob(message: SlotJob): void {
    const { workerId, tenant, plugins } = this.#deps.setup;
    this.#jobError = undefined;
    this.#job = undefined;
    try {
      const job = new SlotJobRuntime(message, this.#deps.storages, this.#deps.setup);
      this.#job = job;
      this.#jobEnvironment.enter(job.descriptor.run.env);
      const nestingDepth = (job.descriptor.run.nestingDepth ?? 0) + 1;
      setAmbientWorker({ version: 1, workerId, tenant, plugins, jobId: job.jobId, nestingDepth });
    } catch (error) {
      this.#jobError = error;
    }
  }

  #enqueue(message: SlotCalls): void {
    // The worker hands calls out again only after it has the answer to a recall, so all that waits here was revoked.
    if (this.#deps.claims.resumeAfterRevocation(message.firstSequence)) this.#waiting.length = 0;
    message.calls.forEach((call, index) =>
      this.#waiting.push({
        sequence: message.firstSequence + index,
        call,
        stopped: undefined,
        afterGap: index === 0 && message.afterGap === true,
      }),
    );
    this.#pump();
  }

  #abort({ sequence, cause }: SlotAbort): void {
    const waiting = this.#waiting.find((entry) => entry.sequence === sequence);
    if (waiting !== undefined) waiting.stopped ??= cause;
    else if (this.#job !== undefined) this.#running.get(sequence)?.call.abort(cause, this.#job);
  }

  #pump(): void {
    if (this.#pumping) return;
    if (performance.now() - this.#lastTurn > MAX_BUSY_MS) {
      this.#pumping = true;
      // The first immediate ends this phase, the second comes after the next poll: what was sent to us has been read.
      setImmediate(() =>
        setImmediate(() => {
          this.#pumping = false;
          this.#lastTurn = performance.now();
          this.#pump();
        }),
      );
      return;
    }
    while (this.#running.size < this.#deps.setup.callsPerProcess) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next.afterGap) this.#deps.claims.skipTo(next.sequence);
      if (this.#deps.claims.claim(next.sequence)) this.#begin(next);
    }
  }

  #begin({ sequence, call, stopped }: Waiting): void {
    const { setup, post } = this.#deps;
    if (setup.capture === 'files' && this.#marks === undefined) this.#marks = outputSizes();
    const log = new CallLogWriter(sequence, this.#job?.descriptor.run.maxLogBytes ?? 0, post);
    const begun: Begun = {
      call: new RunningCall(sequence, call, log),
      startedAtMs: performance.timeOrigin + performance.now(),
      used: this.#used ?? process.resourceUsage(),
    };
    this.#running.set(sequence, begun);
    if (stopped !== undefined && this.#job !== undefined) begun.call.abort(stopped, this.#job);
    const done = (outcome: CallOutcome): void => {
      this.#finish(begun, outcome, false);
      this.#pump();
    };
    callScope.run(begun.call, () => void this.#outcome(begun.call, call).then(done));
  }

  /** Never rejects. */
  async #outcome(running: RunningCall, call: SlotCall): Promise<CallOutcome> {
    const job = this.#job;
    if (job === undefined) return failedOutcome(this.#jobError);
    let fn: LoadedFunction;
    try {
      fn = await job.function();
    } catch (error) {
      return loadOutcome(error);
    }
    let item: unknown;
    try {
      item = await job.item(call, this.#neighbours(call), fn, () => running.signal);
    } catch (error) {
      return failedOutcome(error);
    }
    // Stopped while its function or input was on the way: it is not begun at all.
    if (running.stopReason !== undefined) return errorOutcome(running.stopReason);
    let value: unknown;
    try {
      value = await fn.call(item, running.context(job));
    } catch (thrown) {
      return errorOutcome(thrown, fn.encodeResult.bind(fn));
    }
    return valueOutcome(value, {
      job: job.job,
      callId: call.callId,
      attempt: call.attempt,
      workerId: this.#deps.setup.workerId,
      fn,
      inlineResultBytes: job.descriptor.run.inlineResultBytes,
      storage: this.#deps.storages.own,
    });
  }

  /** How far the calls that wait here go on counting from this one: their inputs can be read with it. */
  #neighbours(call: SlotCall): number {
    let end = call.callId + 1;
    for (const { call: next } of this.#waiting) {
      if (next.callId !== end || next.input instanceof Uint8Array) break;
      end += 1;
    }
    return end;
  }

  #finish(begun: Begun, outcome: CallOutcome, lastWords: boolean): void {
    const { call, startedAtMs } = begun;
    if (!this.#running.delete(call.sequence)) return;
    call.log.end();
    const shared = this.#deps.setup.callsPerProcess > 1 || this.#deps.setup.capture === 'streams';
    const message: SlotFinished = {
      type: 'finished',
      sequence: call.sequence,
      startedAtMs,
      finishedAtMs: performance.timeOrigin + performance.now(),
      outcome,
      ...(shared ? {} : { usage: this.#usageSince(begun.used) }),
      ...(this.#marks === undefined ? {} : { output: this.#takeMarks(this.#marks) }),
      ...(lastWords ? { lastWords } : {}),
    };
    // Of a crash in a shared process all running calls are innocent and run again; so do those that end in its turn.
    if (shared && !lastWords) this.#deps.postSoon(message);
    else this.#deps.post(message);
  }

  /** What the process has used at the end of one call is what it had used at the begin of the next, unless it rests. */
  #usageSince(before: NodeJS.ResourceUsage): CallUsage {
    const now = process.resourceUsage();
    this.#used = this.#waiting.length === 0 ? undefined : now;
    return {
      cpuUserMs: (now.userCPUTime - before.userCPUTime) / 1000,
      cpuSystemMs: (now.systemCPUTime - before.systemCPUTime) / 1000,
      maxRssBytes: now.maxRSS * 1024,
    };
  }

  /** The end of one call's output is the begin of the next one's, unless the slot rests in between. */
  #takeMarks(begin: { stdout: number; stderr: number }): OutputMarks {
    const end = outputSizes();
    this.#marks = this.#waiting.length === 0 ? undefined : end;
    return { stdout: [begin.stdout, end.stdout], stderr: [begin.stderr, end.stderr] };
  }
}

const outputSizes = (): { stdout: number; stderr: number } => ({
  stdout: fstatSync(1).size,
  stderr: fstatSync(2).size,
});

/** The environment variables of the job whose calls run, laid over the process's own. */
class JobEnvironment {
  #saved: ReadonlyMap<string, string | undefined> = new Map();

  enter(variables: Readonly<Record<string, string>>): void {
    for (const [name, value] of this.#saved) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    this.#saved = new Map(Object.keys(variables).map((name) => [name, process.env[name]]));
    Object.assign(process.env, variables);
  }
}
