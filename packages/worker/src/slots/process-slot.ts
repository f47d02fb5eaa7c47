/**
 * A slot that is a process of its own: a crash, an endless loop or a full heap ends this process and nothing else.
 *
 * It leads a process group, so that child processes of user code go with it. Its descriptors: 1 and 2 are files, 3 takes
 * messages, 4 gives answers, 5 is watched by its control thread, which kills the group when this worker is gone. Where the
 * kernel does that the thread is started when it is needed for recalls, because it costs as much as the process.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { FrameChannel } from '../channel/frame-channel.ts';
import {
  decodeMessage,
  encodeMessage,
  type CallsRecalled,
  type FromSlot,
  type OutputCapture,
  type SlotCall,
  type SlotCalls,
  type SlotControl,
  type SlotExiting,
  type SlotFinished,
  type SlotJob,
  type StopCause,
  type ToSlot,
} from '../protocol/slot-messages.ts';
import { siblingModule } from '../runtime/sibling-module.ts';
import { AwaitedControl } from './awaited-control.ts';
import { classifyDeath } from './classify-death.ts';
import { OomCounter } from './memory-cgroup.ts';
import { OutputFiles } from './output-files.ts';
import { residentBytes } from './resident-memory.ts';
import { slotNodeOptions } from './slot-node-options.ts';
import type { SlotHandle, SlotStart } from './slot-handle.ts';

const STDERR_TAIL_BYTES = 16 * 1024;
/** Whoever holds a dead process's descriptors open (a child that left its group) gets this long. */
const CLOSE_GRACE_MS = 1_000;

export class ProcessSlot implements SlotHandle {
  readonly output: OutputFiles;
  readonly capture: OutputCapture;
  baseBytes = 0;
  readonly #start: SlotStart;
  readonly #child: ChildProcess;
  readonly #messages: FrameChannel;
  readonly #control: FrameChannel;
  #finished: SlotFinished[] = [];
  #flushing = false;
  readonly #awaited: AwaitedControl | undefined;
  #job: SlotJob | undefined;
  #lastWords: SlotExiting | undefined;
  #failedCall: number | undefined;
  #killedForMemory: string | undefined;
  #startError: Error | undefined;
  #oom: OomCounter | undefined;
  #dead = false;

  constructor(start: SlotStart) {
    const { setup, outputDirectory, memoryMiB, workerDirectory, endsWithWorker } = start;
    this.#start = start;
    this.capture = setup.capture;
    this.output = new OutputFiles(outputDirectory, `slot-${setup.slot}`);
    const entry = fileURLToPath(siblingModule(import.meta.url, '../slot/process-main'));
    const entryArguments = [entry, workerDirectory, ...(endsWithWorker ? ['unwatched'] : [])];
    this.#child = spawn(process.execPath, [...slotNodeOptions(memoryMiB), ...entryArguments], {
      detached: true,
      stdio: ['ignore', this.output.stdout.writeFd, this.output.stderr.writeFd, 'pipe', 'pipe', 'pipe'],
    });
    this.output.handedOver();
    const [, , , messages, answers, control] = this.#child.stdio as unknown as readonly Duplex[];
    const silent = { onFrame() {}, onClose() {} };
    this.#messages = new FrameChannel(messages as Duplex, silent);
    this.#control = new FrameChannel(control as Duplex, {
      ...silent,
      onFrame: (payload) => this.#recalled(decodeMessage<CallsRecalled>(payload).fromSequence),
    });
    const channel = new FrameChannel(answers as Duplex, { ...silent, onFrame: (payload) => this.#receive(payload) });
    if (endsWithWorker) this.#awaited = new AwaitedControl(setup.callsPerProcess, (message) => this.#send(message));
    this.#watchEnd([this.#messages, channel, this.#control]);
    this.#send(setup);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  run(job: SlotJob, firstSequence: number, calls: readonly SlotCall[]): void {
    if (this.#job !== job) this.#send(job);
    this.#job = job;
    const message: SlotCalls = { type: 'calls', firstSequence, calls };
    if (this.#awaited === undefined) this.#send(message);
    else this.#awaited.run(message);
  }

  abort(sequence: number, cause: StopCause): void {
    this.#send({ type: 'abort', sequence, cause });
  }

  recall(): void {
    const held = this.#awaited?.recall();
    if (held === undefined) this.#control.send(encodeMessage({ type: 'recall' }));
    // Not at once: ends of calls that have been told already are heard first.
    else setImmediate(() => this.#recalled(held.fromSequence));
  }

  kill(signal: 'SIGTERM' | 'SIGKILL', memory?: string): void {
    this.#killedForMemory ??= memory;
    this.#signalGroup(signal);
  }

  #receive(payload: Buffer): void {
    const message = decodeMessage<FromSlot>(payload);
    if (message.type === 'finished') {
      if (message.lastWords === true) this.#failedCall = message.sequence;
      this.#finished.push(message);
      this.#awaited?.finished();
      this.#flushSoon();
      return;
    }
    this.#flush();
    if (message.type === 'log') this.#start.events.log(message);
    else if (message.type === 'exiting') this.#lastWords = message;
    else {
      if (this.pid !== undefined) {
        this.#oom = new OomCounter(this.pid);
        this.baseBytes = residentBytes(this.pid);
      }
      this.#start.events.ready();
    }
  }

  /** What came in one read is told at once, in order. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    const finished = this.#finished;
    if (finished.length === 0) return;
    this.#finished = [];
    this.#start.events.finished(finished);
  }

  #recalled(fromSequence: number | undefined): void {
    if (this.#dead) return;
    this.#flush();
    this.#start.events.recalled(fromSequence);
  }

  #send(message: ToSlot | SlotControl): void {
    this.#messages.send(encodeMessage(message));
  }

  #watchEnd(channels: readonly FrameChannel[]): void {
    const child = this.#child;
    const end = (): void => this.#end();
    child.once('error', (error) => {
      if (child.pid !== undefined) return;
      this.#startError = error;
      end();
    });
    child.once('exit', () => {
      this.#signalGroup('SIGKILL');
      const timer = setTimeout(() => channels.forEach((channel) => channel.destroy()), CLOSE_GRACE_MS);
      child.once('close', () => clearTimeout(timer));
    });
    // Comes when the descriptors are closed too: all that the process has said is read by then.
    child.once('close', end);
  }

  #end(): void {
    if (this.#dead) return;
    this.#flush();
    this.#dead = true;
    const { exitCode, signalCode } = this.#child;
    const reason = classifyDeath({
      workerId: this.#start.setup.workerId,
      pid: this.pid,
      exitCode,
      signal: signalCode,
      kernelOutOfMemory: signalCode === 'SIGKILL' && this.#oom?.hasRisen() === true,
      stderrTail: this.output.stderr.tail(STDERR_TAIL_BYTES).toString(),
      ...(this.#startError === undefined ? {} : { startError: this.#startError }),
      ...(this.#killedForMemory === undefined ? {} : { killedForMemory: this.#killedForMemory }),
    });
    const words = this.#lastWords;
    const culprit =
      this.#failedCall === undefined ? (words?.sequence ?? (words?.leftover === true ? 'none' : undefined)) : 'none';
    this.#start.events.died(culprit === undefined ? { reason } : { reason, culprit });
    this.output.close();
  }

  #signalGroup(signal: NodeJS.Signals): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Nobody of the group is left.
    }
  }
}
