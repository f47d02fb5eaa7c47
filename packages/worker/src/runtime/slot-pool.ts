/** The slots of a worker: makes them, carries messages to them, and turns what they tell into the assigner's events. */
import type { AssignmentEvent, SlotDeath } from '../assignment/assignment-types.ts';
import type { SlotFinished, SlotJob, SlotLog, SlotSetup, StopCause } from '../protocol/slot-messages.ts';
import { ProcessSlot } from '../slots/process-slot.ts';
import { residentBytes } from '../slots/resident-memory.ts';
import type { SlotEvents, SlotHandle, SlotStart } from '../slots/slot-handle.ts';
import { ThreadSlot } from '../slots/thread-slot.ts';
import type { CallWatch } from './call-watch.ts';
import { slotCall, type LeasedCall } from './held-call.ts';
import type { WorkerDirectory } from './worker-directory.ts';

export interface SlotPoolDeps {
  readonly kind: 'process' | 'thread';
  readonly directory: WorkerDirectory;
  readonly setup: (slot: number) => SlotSetup;
  readonly watch: CallWatch;
  readonly handle: (event: AssignmentEvent<LeasedCall>) => void;
  readonly maxIdleRssMiB?: number;
  readonly endsWithWorker: boolean;
}

interface PooledSlot {
  readonly handle: SlotHandle;
  /** By sequence. */
  readonly handed: Map<number, LeasedCall>;
  /** Output without an owner is told to the job whose calls run. */
  latest: LeasedCall | undefined;
}

export class SlotPool {
  readonly #deps: SlotPoolDeps;
  readonly #slots = new Map<number, PooledSlot>();
  #stopped: (() => void) | undefined;

  constructor(deps: SlotPoolDeps) {
    this.#deps = deps;
  }

  *handles(): Iterable<readonly [slot: number, handle: SlotHandle]> {
    for (const [slot, { handle }] of this.#slots) yield [slot, handle];
  }

  start(slot: number, memoryMiB: number | null): void {
    const { kind, setup, directory, endsWithWorker } = this.#deps;
    const start: SlotStart = {
      setup: setup(slot),
      memoryMiB,
      outputDirectory: directory.output,
      workerDirectory: directory.path,
      endsWithWorker,
      events: this.#events(slot),
    };
    const handle = kind === 'thread' ? new ThreadSlot(start) : new ProcessSlot(start);
    this.#slots.set(slot, { handle, handed: new Map(), latest: undefined });
  }

  run(slot: number, job: SlotJob, firstSequence: number, calls: readonly LeasedCall[]): void {
    const pooled = this.#slots.get(slot) as PooledSlot;
    calls.forEach((call, index) => pooled.handed.set(firstSequence + index, call));
    pooled.latest = calls[0];
    pooled.handle.run(job, firstSequence, calls.map(slotCall));
  }

  abort(slot: number, sequence: number, cause: StopCause): void {
    this.#slots.get(slot)?.handle.abort(sequence, cause);
  }

  recall(slot: number): void {
    this.#slots.get(slot)?.handle.recall();
  }

  kill(slot: number, signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#slots.get(slot)?.handle.kill(signal);
  }

  /** Kills what is left and resolves once all slots are gone. */
  async stop(): Promise<void> {
    if (this.#slots.size === 0) return;
    const gone = new Promise<void>((resolve) => (this.#stopped = resolve));
    for (const { handle } of this.#slots.values()) handle.kill('SIGKILL');
    await gone;
  }

  #events(slot: number): SlotEvents {
    const { handle } = this.#deps;
    return {
      ready: () => handle({ type: 'slot-ready', slot }),
      finished: (calls) => this.#finished(slot, calls),
      log: (message) => this.#log(slot, message),
      recalled: (fromSequence) => this.#recalled(slot, fromSequence),
      died: (death) => this.#died(slot, death),
    };
  }

  #finished(slot: number, calls: readonly SlotFinished[]): void {
    const pooled = this.#slots.get(slot) as PooledSlot;
    for (const { sequence, output } of calls) {
      const call = pooled.handed.get(sequence);
      if (call !== undefined) this.#deps.watch.finished(pooled.handle, call, output);
      pooled.handed.delete(sequence);
    }
    if (pooled.handed.size === 0 && this.#hasGrown(pooled.handle)) this.#deps.handle({ type: 'slot-worn', slot });
    this.#deps.handle({ type: 'finished', slot, calls });
    if (pooled.handed.size === 0) this.#deps.watch.rested(pooled.handle);
  }

  /** Looked at only where a limit is set, and only when the slot falls dry. */
  #hasGrown({ pid }: SlotHandle): boolean {
    const { maxIdleRssMiB } = this.#deps;
    return maxIdleRssMiB !== undefined && pid !== undefined && residentBytes(pid) > maxIdleRssMiB * 1024 * 1024;
  }

  #recalled(slot: number, fromSequence: number | undefined): void {
    const { handed } = this.#slots.get(slot) as PooledSlot;
    for (const sequence of handed.keys())
      if (fromSequence !== undefined && sequence >= fromSequence) handed.delete(sequence);
    this.#deps.handle({ type: 'recalled', slot, fromSequence });
  }

  #log(slot: number, message: SlotLog): void {
    const pooled = this.#slots.get(slot) as PooledSlot;
    const call = pooled.handed.get(message.sequence);
    if (call !== undefined) this.#deps.watch.logged(call, message);
    // Written after its call's end: no call's any more, but the job's.
    else if (pooled.latest !== undefined) this.#deps.watch.strayed(pooled.latest, message);
  }

  #died(slot: number, death: SlotDeath): void {
    this.#deps.watch.died(slot, (this.#slots.get(slot) as PooledSlot).handle);
    this.#slots.delete(slot);
    this.#deps.handle({ type: 'slot-died', slot, death });
    if (this.#slots.size === 0) this.#stopped?.();
  }
}
