/** The client half of a backend that holds a byte stream to each of its workers. */
import type { BackendListener, CallSubmission, JobRef, LossReason } from '@splitrock/core/plugin';
import type { CancelTarget, DispatchEvent, DispatchInstruction } from './dispatch/dispatch-events.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import { keepSubmission } from './dispatch/queued-calls.ts';
import type { BackendMessage, WorkerMessage } from './protocol/messages.ts';

/** How a connected worker is reached. Messages arrive in order, or the worker is lost. */
export interface WorkerPort {
  send(message: BackendMessage): void;
}

/**
 * Hands calls to connected workers, each by its credit, and reports those that are lost with theirs.
 *
 * Jobs share the workers fairly. Of a lost worker's calls those that had begun are reported lost, the others go to the
 * next worker. Starting and ending workers is the backend's own business: it tells of each by {@link connect} and
 * {@link lose}, and passes on what they say to {@link receive}. What follows is performed before each method returns.
 */
export class StreamDispatch {
  readonly #dispatcher = new Dispatcher();
  readonly #ports = new Map<string, WorkerPort>();
  readonly #toPerform: DispatchInstruction[] = [];
  readonly #listener: Pick<BackendListener, 'callsLost' | 'statusPublished'>;
  #performing = false;
  #stopped = false;

  /** @param listener - hears of lost calls and of status that workers bring. */
  constructor(listener: Pick<BackendListener, 'callsLost' | 'statusPublished'>) {
    this.#listener = listener;
  }

  /** Whether calls wait for a worker or are held by one. */
  get hasWork(): boolean {
    return this.#dispatcher.hasWork;
  }

  /**
   * Takes calls over.
   * @throws InvalidArgumentError `ARGUMENT_INVALID`; SerializationError `DATA_CORRUPT`, `DATA_VERSION`. None of the
   * calls is taken then.
   */
  submit(submission: CallSubmission): void {
    this.#handle({ type: 'submitted', submission: keepSubmission(submission) });
  }

  /** Drops calls that wait and has workers stop those that they hold: the whole job unless narrowed. */
  cancel(target: CancelTarget): void {
    this.#handle({ type: 'cancelled', target });
  }

  /** Forgets a job once nothing of it waits or is held; a later submission begins it anew. */
  endJob(job: JobRef): void {
    this.#handle({ type: 'job-ended', job });
  }

  /**
   * So many calls could run at once if every worker were there: at least so many of those that wait are kept back for
   * slots that fall free, rather than given to workers in advance. To be said by backends with more than one worker.
   */
  expectSlots(slots: number): void {
    this.#handle({ type: 'slots-expected', slots });
  }

  /**
   * A worker is connected under an id of its own. It gets calls once it has said how many it will hold.
   * @param slots - calls that it runs at once; without it, it is not told apart which are given in advance.
   */
  connect(workerId: string, port: WorkerPort, slots?: number): void {
    this.#ports.set(workerId, port);
    this.#handle({ type: 'worker-connected', workerId, ...(slots === undefined ? {} : { slots }) });
  }

  /** A connected worker said something. */
  receive(workerId: string, message: WorkerMessage): void {
    switch (message.type) {
      case 'capacity':
        this.#handle({ type: 'worker-capacity', workerId, calls: message.calls });
        return;
      case 'status':
        if (!this.#stopped) this.#listener.statusPublished(message.job, message.events);
        return;
      case 'answers':
        this.#handle({ type: 'worker-answered', workerId, answers: message.answers.map(toAnswer) });
    }
  }

  /** A connected worker is gone, after its last message. */
  lose(workerId: string, reason: LossReason): void {
    this.#ports.delete(workerId);
    this.#handle({ type: 'worker-gone', workerId, reason });
  }

  /** No worker can be started: reports the calls that wait as lost. */
  failWaiting(reason: LossReason): void {
    this.#handle({ type: 'start-failed', reason });
  }

  /** Hands out nothing more and reports nothing more; what workers hold they may finish. Final. */
  stop(): void {
    this.#stopped = true;
    this.#handle({ type: 'stopped' });
  }

  #handle(event: DispatchEvent): void {
    this.#toPerform.push(...this.#dispatcher.handle(event));
    // A listener may submit again at once; what that brings must not overtake what is still to be performed.
    if (this.#performing) return;
    this.#performing = true;
    for (let next = this.#toPerform.shift(); next !== undefined; next = this.#toPerform.shift()) this.#perform(next);
    this.#performing = false;
  }

  #perform(instruction: DispatchInstruction): void {
    if (instruction.type === 'send') this.#ports.get(instruction.workerId)?.send(instruction.message);
    else if (!this.#stopped) this.#listener.callsLost(instruction.event);
  }
}

const toAnswer = ([type, leaseId, from, to, reason]: Extract<
  WorkerMessage,
  { type: 'answers' }
>['answers'][number]) => ({
  type,
  leaseId,
  calls: { from, to },
  ...(reason === undefined ? {} : { reason }),
});
