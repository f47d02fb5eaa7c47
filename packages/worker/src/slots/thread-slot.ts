/**
 * A slot that is a thread of the worker: starts faster and shares memory, but a native crash takes the whole worker.
 * A thread cannot be signalled; whatever would kill a process terminates it. A full heap usually ends the thread alone,
 * but V8 cannot promise that.
 */
import { Worker } from 'node:worker_threads';
import type { LossReason } from '@splitrock/core/plugin';
import { Claims } from '../protocol/claims.ts';
import type {
  FromSlot,
  OutputCapture,
  SlotCall,
  SlotExiting,
  SlotFinished,
  SlotJob,
  StopCause,
  ToSlot,
} from '../protocol/slot-messages.ts';
import { siblingModule } from '../runtime/sibling-module.ts';
import type { SlotHandle, SlotStart } from './slot-handle.ts';

export class ThreadSlot implements SlotHandle {
  readonly pid = undefined;
  readonly baseBytes = 0;
  readonly output = undefined;
  readonly capture: OutputCapture = 'streams';
  readonly #start: SlotStart;
  readonly #thread: Worker;
  readonly #claims = new Claims();
  #job: SlotJob | undefined;
  #finished: SlotFinished[] = [];
  #lastWords: SlotExiting | undefined;
  #failedCall: number | undefined;
  #error: NodeJS.ErrnoException | undefined;

  constructor(start: SlotStart) {
    this.#start = start;
    this.#thread = new Worker(siblingModule(import.meta.url, '../slot/thread-main'), {
      workerData: { claims: this.#claims.memory },
      ...(start.memoryMiB === null ? {} : { resourceLimits: { maxOldGenerationSizeMb: start.memoryMiB } }),
    });
    this.#thread.on('message', (message: FromSlot) => this.#receive(message));
    this.#thread.on('error', (error) => (this.#error = error));
    this.#thread.on('exit', (code) => this.#end(code));
    this.#post(start.setup);
  }

  run(job: SlotJob, firstSequence: number, calls: readonly SlotCall[]): void {
    if (this.#job !== job) this.#post(job);
    this.#job = job;
    this.#post({ type: 'calls', firstSequence, calls });
  }

  abort(sequence: number, cause: StopCause): void {
    this.#post({ type: 'abort', sequence, cause });
  }

  /** The claims are in shared memory: nobody needs to be asked. */
  recall(): void {
    const fromSequence = this.#claims.revoke();
    // Not as a microtask: ends of calls that the thread has told already must be heard in between. Where they are all that
    // is still open, the answer changes nothing, and calls would be asked back again and again without ever hearing them.
    setImmediate(() => this.#start.events.recalled(fromSequence));
  }

  kill(): void {
    void this.#thread.terminate();
  }

  #post(message: ToSlot): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#thread.postMessage(message);
  }

  #receive(message: FromSlot): void {
    if (message.type === 'finished') {
      if (message.lastWords === true) this.#failedCall = message.sequence;
      if (this.#finished.push(message) === 1) queueMicrotask(() => this.#flush());
      return;
    }
    this.#flush();
    if (message.type === 'log') this.#start.events.log(message);
    else if (message.type === 'ready') this.#start.events.ready();
    else this.#lastWords = message;
  }

  #flush(): void {
    const finished = this.#finished;
    if (finished.length === 0) return;
    this.#finished = [];
    this.#start.events.finished(finished);
  }

  #end(exitCode: number): void {
    this.#flush();
    const words = this.#lastWords;
    const culprit =
      this.#failedCall === undefined ? (words?.sequence ?? (words?.leftover === true ? 'none' : undefined)) : 'none';
    const reason = this.#reason(exitCode);
    this.#start.events.died(culprit === undefined ? { reason } : { reason, culprit });
  }

  #reason(exitCode: number): LossReason {
    const { workerId, slot } = this.#start.setup;
    if (this.#error?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      return {
        kind: 'out-of-memory',
        message: `slot thread ${slot} ended because its JavaScript heap was full`,
        workerId,
      };
    }
    if (this.#error !== undefined)
      return { kind: 'crash', message: `slot thread ${slot} failed: ${this.#error.message}`, workerId };
    return { kind: 'exit', message: `slot thread ${slot} ended itself with exit code ${exitCode}`, workerId, exitCode };
  }
}
