/**
 * The world around an assigner, simulated: slots that do what they are told, and checks that hold at every step.
 * Slots behave like real ones: they begin calls in order as far as they have room, and a recall takes what has not begun.
 */
import { Assigner } from '../src/assignment/assigner.ts';
import type {
  AssignmentEvent,
  AssignmentInstruction,
  AssignmentOptions,
  CancelTarget,
  HeldCall,
  JobNeeds,
  Settlement,
  SlotDeath,
} from '../src/assignment/assignment-types.ts';

export const needs: JobNeeds = {
  timeoutMs: null,
  abortGraceMs: 50,
  killGraceMs: 100,
  slotsPerCall: 1,
  memoryMiB: null,
  chunkSize: null,
  functionId: 'f',
};

interface SimulatedSlot {
  up: 'down' | 'starting' | 'ready';
  memoryMiB: number | null;
  job: string;
  begun: Map<number, HeldCall>;
  waiting: Map<number, HeldCall>;
  aborted: number[];
  signals: string[];
}

const newSlot = (): SimulatedSlot => ({
  up: 'down',
  memoryMiB: null,
  job: '',
  begun: new Map(),
  waiting: new Map(),
  aborted: [],
  signals: [],
});

/** More than any slots can have to answer at one time. */
const MOST_RECALLS = 100;

export class AssignerWorld {
  readonly slots: SimulatedSlot[];
  /** What a job needs once it is loaded; `needs` for jobs that are not here. */
  readonly needs = new Map<string, JobNeeds>();
  readonly settled: Settlement<HeldCall>[] = [];
  capacity = 0;
  drained = false;
  /** Jobs are loaded only by {@link loadJobs}. */
  slowJobs = false;
  /** Recalls are answered only by {@link answerRecalls}. */
  slowRecalls = false;
  readonly loading = new Set<string>();
  readonly recalls = new Set<number>();
  readonly delivered = new Set<HeldCall>();
  readonly #options: AssignmentOptions;
  readonly #assigner: Assigner<HeldCall>;
  readonly #ends = new Map<HeldCall, string>();
  #unanswered = 0;
  #nowMs = 1000;

  constructor(options: Partial<AssignmentOptions> = {}) {
    this.#options = { slots: 1, callsPerSlot: 1, functionsPerProcess: 100, startsAtOnce: 100, ...options };
    this.slots = Array.from({ length: this.#options.slots }, newSlot);
    this.#assigner = new Assigner(this.#options);
    this.#handle({ type: 'start' });
  }

  deliver(job: string, count: number, { from = 0, attempt = 1 } = {}): void {
    const calls = Array.from({ length: count }, (_, index): HeldCall => ({ job, callId: from + index, attempt }));
    for (const call of calls) this.delivered.add(call);
    this.#handle({ type: 'deliver', calls });
  }

  ready(slot: number): void {
    this.#slot(slot).up = 'ready';
    this.#handle({ type: 'slot-ready', slot });
  }

  readyAll(): void {
    this.slots.forEach((slot, index) => slot.up === 'starting' && this.ready(index));
  }

  /** The call that has run longest in a slot ends. */
  finish(slot: number, { tookMs = 1 } = {}): void {
    const [first] = this.#slot(slot).begun.keys();
    if (first !== undefined) this.finishCalls(slot, [first], tookMs);
  }

  finishCalls(slot: number, sequences: readonly number[], tookMs: number): void {
    const outcome = { kind: 'value', inline: new Uint8Array() } as const;
    const startedAtMs = this.#nowMs - tookMs;
    for (const sequence of sequences) this.#slot(slot).begun.delete(sequence);
    this.#begin(this.#slot(slot));
    const calls = sequences.map((sequence) => ({ sequence, startedAtMs, finishedAtMs: this.#nowMs, outcome }));
    this.#handle({ type: 'finished', slot, calls });
  }

  finishAll(tookMs: number): void {
    while (this.slots.some((slot) => slot.begun.size > 0))
      this.slots.forEach((_, slot) => this.finish(slot, { tookMs }));
  }

  die(slot: number, death: Partial<SlotDeath> = {}): void {
    const { memoryMiB, signals } = this.#slot(slot);
    this.recalls.delete(slot);
    this.slots[slot] = { ...newSlot(), memoryMiB, signals };
    this.#handle({ type: 'slot-died', slot, death: { reason: { kind: 'crash', message: 'died' }, ...death } });
  }

  cancel(target: CancelTarget): void {
    this.#handle({ type: 'cancel', target });
  }

  endJob(job: string): void {
    this.#handle({ type: 'end-job', job });
  }

  drain(graceMs: number): void {
    this.#handle({ type: 'drain', graceMs });
  }

  /** All statuses so far are out. */
  answer(): void {
    const calls = this.#unanswered;
    this.#unanswered = 0;
    if (calls > 0) this.#handle({ type: 'answered', calls });
  }

  loadJobs(): void {
    for (const job of this.loading) this.#load(job);
  }

  failJob(job: string): void {
    if (!this.loading.delete(job)) return;
    this.#handle({ type: 'job-failed', job, outcome: { kind: 'cancelled' } });
  }

  /** Until there are no more: what comes back must not be handed out only to be asked back again. */
  answerRecalls(): void {
    for (let answered = 0; this.recalls.size > 0; answered += 1) {
      if (answered > MOST_RECALLS) throw new Error('Calls go round between a slot and the queue.');
      const asked = [...this.recalls];
      for (const slot of asked) this.#answerRecall(slot);
    }
  }

  /** Time goes on; ticks come when they are due. */
  pass(ms: number): void {
    const until = this.#nowMs + ms;
    while (this.#nowMs + this.untilDue() <= until) {
      this.#nowMs += this.untilDue();
      this.#handle({ type: 'tick' });
    }
    this.#nowMs = until;
  }

  untilDue(): number {
    const { dueMs } = this.#assigner;
    return dueMs === undefined ? Infinity : Math.max(0, dueMs - this.#nowMs);
  }

  inSlots(): string[][] {
    return this.slots.map((slot) => [...slot.begun.values(), ...slot.waiting.values()].map(nameOf));
  }

  /** How calls ended, in order. */
  ends(): string[] {
    return [...this.#ends].map(([call, end]) => `${nameOf(call)} ${end}`);
  }

  unended(): HeldCall[] {
    return [...this.delivered].filter((call) => !this.#ends.has(call));
  }

  #handle(event: AssignmentEvent<HeldCall>): void {
    for (const instruction of this.#assigner.handle(event, this.#nowMs)) this.#perform(instruction);
    this.#check();
  }

  #perform(instruction: AssignmentInstruction<HeldCall>): void {
    switch (instruction.type) {
      case 'run':
        return this.#run(instruction);
      case 'settle':
        this.settled.push(instruction.settlement);
        this.#unanswered += 1;
        return this.#end(instruction.settlement.call, instruction.settlement.outcome.kind);
      case 'forget':
        return this.#end(instruction.call, 'forgotten');
      case 'give-back':
        return this.#end(
          instruction.call,
          `given back${instruction.reason === undefined ? '' : `: ${instruction.reason.kind}`}`,
        );
      case 'start-slot': {
        const slot = this.#slot(instruction.slot);
        if (slot.up !== 'down') throw new Error('A slot that is up is started.');
        slot.up = 'starting';
        slot.memoryMiB = instruction.memoryMiB;
        slot.signals = [];
        return;
      }
      case 'kill-slot':
        this.#slot(instruction.slot).signals.push(instruction.signal);
        return;
      case 'abort':
        this.#slot(instruction.slot).aborted.push(instruction.sequence);
        return;
      case 'recall':
        this.recalls.add(instruction.slot);
        if (!this.slowRecalls) queueAfter(this, () => this.#answerRecall(instruction.slot));
        return;
      case 'load-job':
        this.loading.add(instruction.job);
        if (!this.slowJobs) queueAfter(this, () => this.#load(instruction.job));
        return;
      case 'set-capacity':
        this.capacity = instruction.calls;
        return;
      case 'drained':
        if (this.drained) throw new Error('It is drained twice.');
        this.drained = true;
        return;
      case 'drop-job':
    }
  }

  #run({ slot: id, job, firstSequence, calls }: Extract<AssignmentInstruction<HeldCall>, { type: 'run' }>): void {
    const slot = this.#slot(id);
    if (slot.up !== 'ready') throw new Error(`Calls are handed to a slot that is ${slot.up}.`);
    if (slot.job !== job && slot.begun.size > 0) throw new Error('A slot gets calls of two jobs.');
    if (this.recalls.has(id)) throw new Error('Calls are handed out before a recall is answered.');
    slot.job = job;
    calls.forEach((call, index) => {
      if (this.#ends.has(call)) throw new Error('A call runs after its end.');
      if (this.slots.some(({ begun, waiting }) => [...begun.values(), ...waiting.values()].includes(call))) {
        throw new Error('A call is in two slots.');
      }
      slot.waiting.set(firstSequence + index, call);
    });
    this.#begin(slot);
  }

  #begin(slot: SimulatedSlot): void {
    for (const [sequence, call] of slot.waiting) {
      if (slot.begun.size >= this.#options.callsPerSlot) return;
      slot.waiting.delete(sequence);
      slot.begun.set(sequence, call);
    }
  }

  #answerRecall(slot: number): void {
    if (!this.recalls.delete(slot)) return;
    const { waiting } = this.#slot(slot);
    const [fromSequence = Infinity] = waiting.keys();
    waiting.clear();
    this.#handle({ type: 'recalled', slot, fromSequence });
  }

  #load(job: string): void {
    if (!this.loading.delete(job)) return;
    this.#handle({ type: 'job-ready', job, needs: this.needs.get(job) ?? needs });
  }

  #end(call: HeldCall, end: string): void {
    const before = this.#ends.get(call);
    if (before !== undefined) throw new Error(`${nameOf(call)} ends twice: ${before}, then ${end}.`);
    this.#ends.set(call, end);
  }

  #check(): void {
    for (const { begun, waiting } of this.slots) {
      if (begun.size > this.#options.callsPerSlot) throw new Error('A slot runs more calls than it may.');
      for (const call of [...begun.values(), ...waiting.values()]) {
        if (this.#ends.has(call)) throw new Error(`${nameOf(call)} has ended and is still in a slot.`);
      }
    }
    pending
      .get(this)
      ?.splice(0)
      .forEach((then) => then());
  }

  #slot(slot: number): SimulatedSlot {
    return this.slots[slot] as SimulatedSlot;
  }
}

/** Answers that come right after the event that asked for them was carried out. */
const pending = new WeakMap<AssignerWorld, (() => void)[]>();

function queueAfter(world: AssignerWorld, then: () => void): void {
  const list = pending.get(world) ?? [];
  list.push(then);
  pending.set(world, list);
}

const nameOf = ({ job, callId, attempt }: HeldCall): string => `${job}${callId}${attempt === 1 ? '' : `#${attempt}`}`;
