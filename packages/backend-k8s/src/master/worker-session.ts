/** A worker's connection to the master: what it was told and has not received yet. */
import type { RuntimeInfo } from '@splitrock/core/plugin';
import type { Readiness, WorkerMessage } from '../protocol/worker-messages.ts';

type Unnumbered<Message> = Message extends readonly [infer Type, number, ...infer Rest] ? [Type, Rest] : never;

interface Delivery {
  readonly message: WorkerMessage;
  readonly body: Uint8Array | undefined;
  /** Calls that it leases. */
  readonly calls: number;
}

export class WorkerSession {
  readonly session: string;
  readonly slots: number;
  readonly runtime: RuntimeInfo;
  #lastReport = -1;
  #turn = 0;
  #deliveries: Delivery[] = [];
  #last = 0;
  #wake: (() => void) | undefined;

  constructor(session: string, slots: number, runtime: RuntimeInfo) {
    this.session = session;
    this.slots = slots;
    this.runtime = runtime;
  }

  /** Whether this report is not one that was taken before. */
  isNewReport(report: number): boolean {
    if (report <= this.#lastReport) return false;
    this.#lastReport = report;
    return true;
  }

  deliver([type, rest]: Unnumbered<WorkerMessage>, body?: Uint8Array, calls = 0): void {
    this.#last += 1;
    this.#deliveries.push({ message: [type, this.#last, ...rest] as WorkerMessage, body, calls });
    this.#wake?.();
  }

  /** What of the room that it tells is left, when what is on its way has come; `undefined`: it has told a later one. */
  roomLeft({ turn, room, received }: Readiness): number | undefined {
    if (turn < this.#turn) return undefined;
    this.#turn = turn;
    const onTheirWay = this.#after(received).reduce((sum, { calls }) => sum + calls, 0);
    return Math.max(0, room - onTheirWay);
  }

  /** Deliveries after `received`, at once or as soon as there are some; none when `until` comes first. */
  async after(received: number, until: Promise<void>): Promise<readonly Delivery[]> {
    this.#deliveries = this.#after(received);
    // Of two requests the later one counts.
    this.#wake?.();
    if (this.#deliveries.length === 0) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      const wake = this.#wake;
      await Promise.race([woken, until]);
      if (this.#wake === wake) this.#wake = undefined;
    }
    return [...this.#deliveries];
  }

  get isListening(): boolean {
    return this.#wake !== undefined;
  }

  #after(received: number): Delivery[] {
    return this.#deliveries.filter(({ message }) => message[1] > received);
  }
}
