/**
 * Decides on which job queues the worker listens, and how many messages the broker may send from each.
 *
 * A *grant* is one consumer with a prefetch: the broker sends that many messages and, for each one acknowledged, the next.
 * What is granted and what is held never exceed what the worker has room for, so that no message waits here while another
 * worker could run it. A pure state machine; the shell opens and closes the consumers.
 *
 * - A job *has work* from the moment somebody says so or a message comes, until its queue sends nothing to an open grant for
 *   a moment and is found empty.
 * - Jobs with work share the room by weight. One that has less than its share gets what becomes free; grants of one that
 *   has more are closed, so that what it finishes becomes free.
 * - Room that no job needs is spread over the jobs without work, one message each and in turns: their queues may fill again
 *   without anybody saying so (a dead worker's messages come back).
 */

/** A queue that has something sends it sooner than this, as a rule; then it is looked at. */
const QUIET_MS = 15;
/**
 * A broker under load takes longer. Each look that finds something doubles the time until the next, up to this: what a look
 * takes comes without a grant, and makes grants close.
 */
const LONGEST_QUIET_MS = 960;
/** How often the queue of a job without work is looked at while there is no room to listen: less and less often. */
const FIRST_LOOK_MS = 500;
const LAST_LOOK_MS = 10_000;
const SHED_AGAIN_MS = 100;
/** How long a grant listens on a queue that was empty, when there are more such queues than room. */
const TURN_MS = 250;

export type SeatEvent =
  /** How many messages may be held. */
  | { readonly type: 'room'; readonly messages: number }
  | { readonly type: 'job'; readonly job: string; readonly weight: number }
  | { readonly type: 'work'; readonly job: string }
  /** No more work is expected of it. */
  | { readonly type: 'ended'; readonly job: string }
  | { readonly type: 'gone'; readonly job: string }
  /** Whether something waited in the job's queue; the answer to `look`. */
  | { readonly type: 'looked'; readonly job: string; readonly found: boolean }
  | { readonly type: 'opened'; readonly grant: number }
  /** No more messages come by this grant. */
  | { readonly type: 'closed'; readonly grant: number }
  | { readonly type: 'delivered'; readonly grant: number }
  /** A message that came by this grant was acknowledged. */
  | { readonly type: 'released'; readonly grant: number }
  /** The connection is gone, and all grants with it. */
  | { readonly type: 'disconnected' }
  | { readonly type: 'tick' };

export type SeatInstruction =
  | { readonly type: 'open'; readonly grant: number; readonly job: string; readonly messages: number }
  | { readonly type: 'close'; readonly grant: number }
  /** Find out whether something waits in the job's queue, and say so. */
  | { readonly type: 'look'; readonly job: string }
  /** Put back what waits here of the job's messages: another job has nothing here at all. */
  | { readonly type: 'shed'; readonly job: string };

interface Grant {
  readonly id: number;
  readonly job: JobSeats;
  readonly messages: number;
  held: number;
  /** Whether anything came by it. */
  brought: boolean;
  state: 'opening' | 'open' | 'closing' | 'closed';
}

interface JobSeats {
  readonly key: string;
  weight: number;
  hasWork: boolean;
  /** Since when its grants have brought nothing. */
  quietSinceMs: number;
  /** How long that must last until its queue is looked at. */
  quietMs: number;
  /** A grant was closed before it had brought anything, and nothing came since; opening another does not break the silence. */
  barren: boolean;
  /** When a look that is not answered yet was asked for. */
  lookedAtMs: number | undefined;
  /** How long after the last look the next one comes, while it has no work. */
  lookDelayMs: number;
  nextLookAtMs: number;
  shedAtMs: number;
  /** When it last got a grant; orders equals. */
  turn: number;
  readonly grants: Set<Grant>;
  held: number;
}

export class SeatPlan {
  readonly #jobs = new Map<string, JobSeats>();
  readonly #grants = new Map<number, Grant>();
  #room = 0;
  #lastGrant = 0;
  #turn = 0;
  #turnedAtMs = 0;
  #nowMs = 0;
  #out: SeatInstruction[] = [];

  /** When `tick` must come at the latest; `undefined` when nothing depends on time. */
  dueMs: number | undefined;

  /** Whether nothing of the job is held and its queue was found empty. */
  isIdle(key: string): boolean {
    const job = this.#jobs.get(key);
    return job === undefined || (!job.hasWork && job.held === 0);
  }

  handle(event: SeatEvent, nowMs: number): readonly SeatInstruction[] {
    this.#nowMs = nowMs;
    this.#out = [];
    this.#apply(event);
    this.#look();
    if (this.#room <= 0) for (const grant of this.#grants.values()) this.#close(grant);
    else {
      this.#shrink();
      this.#serveWork();
      this.#listenInTurns();
    }
    this.#schedule();
    return this.#out;
  }

  #apply(event: SeatEvent): void {
    switch (event.type) {
      case 'room':
        this.#room = event.messages;
        return;
      case 'job':
        this.#job(event.job).weight = event.weight;
        return this.#hasWork(this.#job(event.job));
      case 'work': {
        const job = this.#jobs.get(event.job);
        return job === undefined ? undefined : this.#hasWork(job);
      }
      case 'ended':
        return this.#ended(event.job);
      case 'gone':
        return this.#gone(event.job);
      case 'looked': {
        const job = this.#jobs.get(event.job);
        return job === undefined ? undefined : this.#looked(job, event.found);
      }
      case 'disconnected':
        for (const job of this.#jobs.values()) this.#reset(job);
        this.#grants.clear();
        return;
      case 'tick':
        return;
      default: {
        const grant = this.#grants.get(event.grant);
        if (grant !== undefined) this.#grantChanged(grant, event);
      }
    }
  }

  #grantChanged(grant: Grant, event: Extract<SeatEvent, { grant: number }>): void {
    const { job } = grant;
    switch (event.type) {
      case 'opened':
        if (grant.state === 'opening') grant.state = 'open';
        if (!job.barren) job.quietSinceMs = this.#nowMs;
        return;
      case 'closed':
        grant.state = 'closed';
        return this.#forgetIfOver(grant);
      case 'delivered':
        grant.brought = true;
        grant.held += 1;
        job.held += 1;
        return this.#hasWork(job);
      case 'released':
        grant.held -= 1;
        job.held -= 1;
        job.quietSinceMs = this.#nowMs;
        return this.#forgetIfOver(grant);
    }
  }

  #job(key: string): JobSeats {
    let job = this.#jobs.get(key);
    if (job !== undefined) return job;
    job = {
      key,
      weight: 1,
      hasWork: true,
      quietSinceMs: this.#nowMs,
      quietMs: QUIET_MS,
      barren: false,
      lookedAtMs: undefined,
      lookDelayMs: FIRST_LOOK_MS,
      nextLookAtMs: Infinity,
      shedAtMs: -Infinity,
      turn: this.#turn,
      grants: new Set(),
      held: 0,
    };
    this.#jobs.set(key, job);
    return job;
  }

  #hasWork(job: JobSeats): void {
    job.hasWork = true;
    job.barren = false;
    job.quietSinceMs = this.#nowMs;
  }

  /** Most jobs end when all is done: looked at without delay, its room is soon another's. */
  #ended(key: string): void {
    const job = this.#jobs.get(key);
    if (job === undefined || !job.hasWork || job.held > 0 || this.#room <= 0) return;
    job.barren = true;
    job.quietSinceMs = this.#nowMs - job.quietMs;
  }

  #gone(key: string): void {
    const job = this.#jobs.get(key);
    if (job === undefined) return;
    this.#jobs.delete(key);
    for (const grant of job.grants) this.#grants.delete(grant.id);
  }

  /** After a reconnect what is held comes again, by other grants. */
  #reset(job: JobSeats): void {
    job.grants.clear();
    job.held = 0;
    job.lookedAtMs = undefined;
    this.#hasWork(job);
  }

  #forgetIfOver(grant: Grant): void {
    if (grant.state !== 'closed' || grant.held > 0) return;
    this.#grants.delete(grant.id);
    grant.job.grants.delete(grant);
  }

  /** At queues that had the chance to send something and did not, and now and then at those that had nothing. */
  #look(): void {
    for (const job of this.#jobs.values()) {
      if (job.lookedAtMs !== undefined || this.#nowMs < (this.#lookDue(job) ?? Infinity)) continue;
      job.lookedAtMs = this.#nowMs;
      this.#out.push({ type: 'look', job: job.key });
    }
  }

  #lookDue(job: JobSeats): number | undefined {
    // Also while others have its turn: jobs that have nothing would else take it from one another for ever.
    if (job.hasWork) {
      const silent = this.#listens(job) || (job.barren && job.held === 0);
      return silent ? job.quietSinceMs + job.quietMs : undefined;
    }
    return openMessages(job) === 0 ? job.nextLookAtMs : undefined;
  }

  #looked(job: JobSeats, found: boolean): void {
    const askedAtMs = job.lookedAtMs ?? this.#nowMs;
    job.lookedAtMs = undefined;
    // What has come or was said since then is newer than the answer.
    if (found) {
      job.quietMs = Math.min(LONGEST_QUIET_MS, 2 * job.quietMs);
      this.#hasWork(job);
    } else if (job.quietSinceMs <= askedAtMs) {
      job.lookDelayMs = job.hasWork ? FIRST_LOOK_MS : Math.min(LAST_LOOK_MS, 2 * job.lookDelayMs);
      job.nextLookAtMs = this.#nowMs + job.lookDelayMs;
      job.hasWork = false;
      job.quietMs = QUIET_MS;
    }
  }

  #listens(job: JobSeats): boolean {
    for (const grant of job.grants) if (grant.state === 'open' && grant.held < grant.messages) return true;
    return false;
  }

  /** When there is less room than there was, what the broker may still send shrinks first. */
  #shrink(): void {
    for (const grant of [...this.#grants.values()].toReversed()) {
      if (this.#free() >= 0) return;
      if (isLive(grant) && grant.held < grant.messages) this.#close(grant);
    }
  }

  #serveWork(): void {
    const [poorest] = this.#hungry();
    if (poorest === undefined) return;
    if (this.#free() < 1) this.#closeIdle();
    if (this.#free() < 1) this.#closeRich(poorest);
    const hungry = this.#hungry();
    hungry.forEach((job, index) => {
      const free = this.#free();
      if (free >= 1) this.#open(job, Math.max(1, Math.floor(free / (hungry.length - index))));
    });
  }

  /** Jobs with work to which no message is on its way, those with the least first. */
  #hungry(): readonly JobSeats[] {
    return this.#working()
      .filter((job) => openMessages(job) === 0)
      .toSorted((a, b) => load(a) - load(b) || a.turn - b.turn);
  }

  /** Whoever has work needs the room more than those that had none. */
  #closeIdle(): void {
    for (const job of this.#jobs.values()) {
      if (!job.hasWork) for (const grant of job.grants) if (grant.held < grant.messages) this.#closeOpen(grant);
    }
  }

  /**
   * Of jobs that have more than their share, closes what is in the way of one that has less. With more jobs than room, a
   * job's share is a turn: whoever has anything makes way for one that has nothing.
   */
  #closeRich(poor: JobSeats): void {
    const working = this.#working();
    const share = this.#room / working.reduce((sum, { weight }) => sum + weight, 0);
    if (load(poor) > 0 && load(poor) >= share) return;
    const limit = share < 1 ? 0 : Math.max(share, load(poor) + 1);
    for (const job of working) {
      if (job === poor || load(job) <= limit) continue;
      if (load(poor) === 0) this.#shed(job);
      const grants = [...job.grants].filter(isLive).toSorted((a, b) => a.messages - b.messages);
      let granted = grants.reduce((sum, { messages }) => sum + messages, 0);
      for (let grant = grants.pop(); grant !== undefined && granted / job.weight > limit; grant = grants.pop()) {
        granted -= grant.messages;
        this.#closeOpen(grant);
      }
    }
  }

  /** Not for every event: what was put back is not here any more. */
  #shed(job: JobSeats): void {
    if (this.#nowMs - job.shedAtMs < SHED_AGAIN_MS) return;
    job.shedAtMs = this.#nowMs;
    this.#out.push({ type: 'shed', job: job.key });
  }

  /** What is free besides listens on queues that were empty. */
  #listenInTurns(): void {
    const idle = [...this.#jobs.values()].filter((job) => !job.hasWork).toSorted((a, b) => a.turn - b.turn);
    const deaf = idle.filter((job) => openMessages(job) === 0);
    if (deaf.length === 0) return;
    if (this.#free() < 1 && this.#nowMs - this.#turnedAtMs >= TURN_MS) {
      this.#turnedAtMs = this.#nowMs;
      // Not those of a job whose messages are held: they cost no room of others.
      const [longest] = idle.filter((job) => openMessages(job) > 0);
      for (const grant of longest?.grants ?? []) if (grant.held < grant.messages) this.#close(grant);
    }
    for (const job of deaf) {
      if (this.#free() < 1) return;
      this.#turnedAtMs = this.#nowMs;
      this.#open(job, 1);
    }
  }

  #open(job: JobSeats, messages: number): void {
    const grant: Grant = { id: (this.#lastGrant += 1), job, messages, held: 0, brought: false, state: 'opening' };
    job.grants.add(grant);
    job.turn = this.#turn += 1;
    if (!job.barren) job.quietSinceMs = this.#nowMs;
    this.#grants.set(grant.id, grant);
    this.#out.push({ type: 'open', grant: grant.id, job: job.key, messages });
  }

  #close(grant: Grant): void {
    if (!isLive(grant)) return;
    grant.state = 'closing';
    if (!grant.brought) grant.job.barren = true;
    this.#out.push({ type: 'close', grant: grant.id });
  }

  /** One that has just been asked for is to bring something first: else two jobs would take it from each other for ever. */
  #closeOpen(grant: Grant): void {
    if (grant.state === 'open') this.#close(grant);
  }

  /** Messages for which there is room and no grant. */
  #free(): number {
    let used = 0;
    for (const job of this.#jobs.values()) used += job.held + openMessages(job);
    return this.#room - used;
  }

  #working(): JobSeats[] {
    return [...this.#jobs.values()].filter((job) => job.hasWork);
  }

  #schedule(): void {
    this.dueMs = undefined;
    let deaf = false;
    let listening = false;
    for (const job of this.#jobs.values()) {
      const lookAtMs = job.lookedAtMs === undefined ? this.#lookDue(job) : undefined;
      if (lookAtMs !== undefined && this.#room > 0) this.#due(lookAtMs);
      if (job.hasWork) continue;
      if (openMessages(job) === 0) deaf = true;
      else listening = true;
    }
    if (deaf && listening && this.#room > 0) this.#due(Math.max(this.#turnedAtMs + TURN_MS, this.#nowMs));
  }

  #due(atMs: number): void {
    this.dueMs = Math.min(this.dueMs ?? Infinity, atMs);
  }
}

const isLive = ({ state }: Grant): boolean => state === 'opening' || state === 'open';

/** Messages that the broker may still send. */
function openMessages(job: JobSeats): number {
  let messages = 0;
  for (const grant of job.grants) if (isLive(grant)) messages += grant.messages - grant.held;
  return messages;
}

/** What a job has or is about to get. */
const load = (job: JobSeats): number => (job.held + openMessages(job)) / job.weight;
