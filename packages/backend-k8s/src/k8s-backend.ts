/**
 * Client half: writes what it wants of a job to the job's log in storage, sees to it that there are a master and workers, and
 * hears from the master what becomes of the calls.
 *
 * What is in the log is the master's, whichever it is; this client may go and another may attach. See docs/backends/k8s.md
 * for how the parts work together.
 */
import {
  IllegalStateError,
  abortable,
  formatJobId,
  parseJobId,
  pause,
  type Backend,
  type BackendDeps,
  type BackendListener,
  type CallRange,
  type CallSubmission,
  type CallsLostEvent,
  type CleanResult,
  type JobRef,
  type OperationOptions,
  type RuntimeInfo,
  type StatusEvent,
  type StopOptions,
} from '@splitrock/core/plugin';
import { LABELS, WorkerRoster, checkSubmission, fixedWorkerSize, poolSelector } from '@splitrock/k8s-common';
import { MasterCaller } from './access/master-caller.ts';
import { ClientRecordKeeper } from './client/client-record-keeper.ts';
import { linkCluster, makeFleet, type ClusterLink } from './client/cluster-link.ts';
import { MasterLink } from './client/master-link.ts';
import { MasterTrouble } from './client/master-trouble.ts';
import { OwnJob } from './client/own-job.ts';
import { masterPoolOf, podOptions, workerBootstrap } from './client/pool-setup.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { K8sBackendOptions } from './k8s-backend-options.ts';
import { removeBelow } from './master/job-store.ts';
import { BackendKeys } from './protocol/backend-keys.ts';
import { plainAnswer, type ClientEvent, type JobState } from './protocol/client-messages.ts';
import { encodeLogEntry, type LogEntry } from './protocol/job-log.ts';
import { toAttempt } from './protocol/wire-schemas.ts';

/** How long a cancellation waits for the master: what is written is final, and a master that comes back reads it. */
const CANCEL_MS = 5_000;
/** How often a stop looks whether its jobs' calls have ended. */
const LOOK_MS = 25;
/** What workers take to stop calls, beyond the grace. */
const STOP_MS = 5_000;
const FORGET_MS = 5_000;

interface Parts {
  readonly cluster: ClusterLink;
  readonly fleet: Fleet;
  readonly link: MasterLink;
  readonly caller: MasterCaller;
  readonly records: ClientRecordKeeper;
}

export class K8sBackend implements Backend {
  readonly name = 'k8s';
  readonly deliversStatus = true;
  readonly #options: K8sBackendOptions;
  readonly #deps: BackendDeps;
  readonly #pool: string;
  readonly #keys: BackendKeys;
  readonly #jobs = new Map<string, OwnJob>();
  /** How many entries were written to the logs of jobs that have ended since. */
  readonly #finished = new Map<string, number>();
  readonly #ending = new Set<Promise<void>>();
  readonly #stopped = new AbortController();
  #listener: BackendListener | undefined;
  #roster: WorkerRoster | undefined;
  #parts: Parts | undefined;
  #isStarting = false;
  #wantsRuntime = 0;
  #lastStampMs = 0;
  #stopping: Promise<void> | undefined;

  /** @throws ConfigError `CONFIG_INVALID` for a plugin that no image can have. */
  constructor(options: K8sBackendOptions, deps: BackendDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#pool = masterPoolOf(options, deps);
    this.#keys = new BackendKeys({ tenant: deps.tenant, pool: this.#pool });
  }

  /** @throws ConfigError `KUBE_CONFIG_INVALID`. A cluster that does not answer is told as a diagnosis instead. */
  async start(listener: BackendListener, options: OperationOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#stopping !== undefined) throw this.#illegal('was stopped');
    if (this.#isStarting) throw this.#illegal('is started already');
    this.#isStarting = true;
    this.#listener = listener;
    this.#roster = new WorkerRoster(listener);
    const cluster = await linkCluster(this.#options, this.#deps, this.#pool);
    const parts = this.#assemble(cluster, listener);
    this.#parts = parts;
    parts.fleet.start();
  }

  capacity(): { readonly current: number; readonly max: number } {
    if (this.#stopping !== undefined) return { current: 0, max: 0 };
    const { sizing, maxWorkers } = this.#options;
    const current = this.#roster?.slots ?? 0;
    // How big workers on nodes are is not known before there are some; those that run say it.
    const max =
      sizing.kind === 'fixed' ? maxWorkers * fixedWorkerSize(sizing, podOptions(this.#options)).slots : maxWorkers;
    return { current, max: Math.max(current, max) };
  }

  /** Of the master: it runs in the image that workers run in. */
  async runtime(options: OperationOptions = {}): Promise<RuntimeInfo> {
    const { link } = this.#check(options);
    if (link.runtime === undefined) {
      this.#wantsRuntime += 1;
      try {
        await abortable(link.untilAnswered(this.#signal(options)), options.signal);
      } finally {
        this.#wantsRuntime -= 1;
        link.rest();
      }
    }
    if (link.runtime === undefined) throw this.#illegal('was stopped');
    return link.runtime;
  }

  async submit(submission: CallSubmission, options: OperationOptions = {}): Promise<void> {
    const { link } = this.#check(options);
    checkSubmission(submission);
    const { job: ref, attempt, calls, part, inlineInputs, avoidWorkers = [] } = submission;
    // What is kept of an ended job is being removed: an entry that is written now would be, too.
    await abortable(this.#jobs.get(formatJobId(ref))?.whenOver ?? Promise.resolve(), options.signal);
    if (this.#stopping !== undefined) throw this.#illegal('was stopped');
    const job = this.#own(ref);
    // Before the entry is written: the calls may end sooner than this is known here.
    job.submit({ attempt, calls });
    try {
      await this.#write(job, {
        submit: {
          calls,
          attempt,
          ...(inlineInputs === undefined ? {} : { inlineInputs }),
          ...(part === undefined || inlineInputs !== undefined ? {} : { part }),
          ...(avoidWorkers.length === 0 ? {} : { avoidWorkers }),
        },
      });
    } catch (error) {
      job.withdraw({ attempt, calls });
      throw error;
    }
    link.wake();
    this.#tellFleet(job);
  }

  async cancel(
    job: JobRef,
    options: OperationOptions & { readonly calls?: readonly CallRange[]; readonly attempt?: number } = {},
  ): Promise<void> {
    this.#check(options);
    const own = this.#jobs.get(formatJobId(job));
    if (own === undefined) return;
    await this.#cancel(own, 0, options);
  }

  async outstanding(ref: JobRef, options: OperationOptions = {}): Promise<readonly CallRange[]> {
    const { link } = this.#check(options);
    const job = this.#own(ref);
    job.isAdopting = true;
    await abortable(link.askAgain(this.#signal(options)), options.signal);
    job.isAdopting = false;
    this.#tellFleet(job);
    return job.openRanges;
  }

  async endJob(ref: JobRef, options: OperationOptions = {}): Promise<void> {
    const { link } = this.#check(options);
    const job = this.#jobs.get(formatJobId(ref));
    if (job === undefined || job.ended) return;
    job.end();
    if (job.openCalls === 0) return this.#finish(job);
    await this.#write(job, { end: true });
    link.wake();
  }

  async clean(
    target: { readonly executorId?: string; readonly job?: JobRef },
    options: OperationOptions = {},
  ): Promise<CleanResult> {
    options.signal?.throwIfAborted();
    if (this.#stopping !== undefined) throw this.#illegal('was stopped');
    const cluster = this.#parts?.cluster ?? (await linkCluster(this.#options, this.#deps, this.#pool));
    try {
      return { removed: await this.#clean(cluster, target, options) };
    } finally {
      if (cluster !== this.#parts?.cluster) cluster.close();
    }
  }

  /** Cancels what this executor still waits for, within the grace, and removes its workers. The master stays for others. */
  async stop(options: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(options);
    await this.#stopping;
  }

  #assemble(cluster: ClusterLink, listener: BackendListener): Parts {
    const { storage, clock, logger, executorId } = this.#deps;
    const records = new ClientRecordKeeper(storage, this.#keys, executorId);
    const caller = new MasterCaller({ storage, key: this.#keys.master, token: records.token, way: cluster.way, clock });
    const trouble = new MasterTrouble(clock, listener);
    const link = new MasterLink(
      {
        caller,
        clock,
        logger,
        introduce: () => records.write(),
        summon: () => cluster.keeper.ensure({ signal: this.#stopped.signal }),
        jobs: () => [...this.#jobs.values()].map(({ id, entries }) => [id, entries] as const),
        isWanted: () => this.#jobs.size > 0 || this.#wantsRuntime > 0,
      },
      {
        onHello: (states, asked) => this.#reconcile(states, asked),
        onStatus: (id, events) => this.#heard(id, events),
        onEvent: (event) => this.#happened(event),
        onTrouble: (what) => trouble.told(what),
      },
    );
    const fleet = makeFleet(cluster, this.#options, this.#deps, {
      diagnosis: (event) => listener.diagnosis(event),
      ended: (id, workerId, reason) => {
        this.#roster?.gone(
          reason === undefined ? { workerId, change: 'stopped' } : { workerId, change: 'lost', reason },
        );
        if (reason !== undefined) void link.died(id, workerId, reason);
      },
    });
    return { cluster, fleet, link, caller, records };
  }

  #check(options: OperationOptions): Parts {
    options.signal?.throwIfAborted();
    if (this.#stopping !== undefined) throw this.#illegal('was stopped');
    if (this.#parts === undefined) throw this.#illegal('is not started');
    return this.#parts;
  }

  #illegal(why: string): IllegalStateError {
    const { executorId } = this.#deps;
    return new IllegalStateError(
      'ILLEGAL_STATE',
      `The k8s backend ${why} [executorId=${executorId}]; it is started once and not used after its stop.`,
    );
  }

  #signal({ signal }: OperationOptions): AbortSignal {
    return signal === undefined ? this.#stopped.signal : AbortSignal.any([signal, this.#stopped.signal]);
  }

  #own(ref: JobRef): OwnJob {
    const id = formatJobId(ref);
    let job = this.#jobs.get(id);
    if (job === undefined) this.#jobs.set(id, (job = new OwnJob(ref, this.#finished.get(id) ?? 0)));
    return job;
  }

  /** In order: a master that reads the log of a job reads everything that was written before. */
  #write(job: OwnJob, rest: Omit<LogEntry, 'atMs' | 'workerTokenHash'>): Promise<void> {
    const { storage, executorId } = this.#deps;
    return job.inTurn(async () => {
      const entry = job.entry({ atMs: this.#stamp(), ...rest });
      await storage.put(this.#keys.logEntry(job.ref, executorId, job.entries), encodeLogEntry(entry));
      job.entries += 1;
    });
  }

  /** Wall-clock time that never stands still: the order of a client's entries is that of their times. */
  #stamp(): number {
    this.#lastStampMs = Math.max(this.#lastStampMs + 0.001, this.#deps.clock.now());
    return this.#lastStampMs;
  }

  #tellFleet(job: OwnJob): void {
    const bootstrap = () =>
      workerBootstrap(this.#options, this.#deps, { pool: this.#pool, job: job.ref, secret: job.secret });
    this.#parts?.fleet.want(job.ref, job.openCalls, bootstrap);
  }

  async #cancel(
    job: OwnJob,
    graceMs: number,
    { calls, attempt, signal }: OperationOptions & { readonly calls?: readonly CallRange[]; readonly attempt?: number },
  ): Promise<void> {
    const target = { ...(calls === undefined ? {} : { calls }), ...(attempt === undefined ? {} : { attempt }) };
    job.cancel(target);
    await this.#write(job, { cancel: { ...target, graceMs } });
    this.#tellFleet(job);
    const { link } = this.#parts as Parts;
    const patience = AbortSignal.any([AbortSignal.timeout(CANCEL_MS), this.#signal({ signal })]);
    await link.told(job.id, job.entries, patience).catch(() => {});
    signal?.throwIfAborted();
  }

  #reconcile(states: ReadonlyMap<string, JobState>, asked: ReadonlySet<string>): void {
    for (const id of asked) {
      const job = this.#jobs.get(id);
      if (job === undefined) continue;
      const state = states.get(id);
      if (job.isAdopting && state !== undefined) job.adopt(state);
      for (const event of job.reconcile(state)) this.#lost(event);
      for (const [workerId, slots, runtime] of state?.workers ?? [])
        this.#roster?.started({ workerId, slots, runtime });
      this.#tellFleet(job);
      if (job.ended && (state === undefined || (state.open.length === 0 && state.workers.length === 0)))
        this.#finish(job);
    }
  }

  #heard(id: string, events: readonly StatusEvent[]): void {
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    job.heard(events);
    if (this.#stopping === undefined) this.#listener?.statusPublished(job.ref, events);
    this.#tellFleet(job);
  }

  #happened(event: Exclude<ClientEvent, readonly ['status', ...unknown[]]>): void {
    const [type, id] = event;
    const job = this.#jobs.get(id);
    switch (type) {
      case 'lost': {
        const [, , attempt, [from, to], reason] = event;
        for (const lost of job?.lost(toAttempt([attempt, from, to]), reason) ?? []) this.#lost(lost);
        if (job !== undefined) this.#tellFleet(job);
        return;
      }
      case 'joined': {
        const [, , workerId, slots, runtime] = event;
        return this.#roster?.started({ workerId, slots, runtime });
      }
      case 'gone': {
        const [, , workerId, reason] = event;
        return this.#roster?.gone(
          reason === 0 ? { workerId, change: 'stopped' } : { workerId, change: 'lost', reason },
        );
      }
      case 'over':
        if (job !== undefined) this.#finish(job);
    }
  }

  #lost(event: CallsLostEvent): void {
    if (this.#stopping === undefined) this.#listener?.callsLost(event);
  }

  /** Nothing of the job is left to do: its workers and what is kept of it go. */
  #finish(job: OwnJob): void {
    if (!job.ended || job.isFinishing) return;
    job.isFinishing = true;
    const finishing = this.#remove(job)
      .catch((error: unknown) =>
        this.#deps.logger.warn('what a job left could not be removed', { jobId: job.id, error }),
      )
      .finally(() => {
        this.#ending.delete(finishing);
        job.over();
      });
    this.#ending.add(finishing);
  }

  async #remove(job: OwnJob): Promise<void> {
    const { fleet, link } = this.#parts as Parts;
    // The master removes what it keeps; without one, nobody else would.
    await link.forget([job.id]).catch(() => {});
    await removeBelow(this.#deps.storage, this.#keys.job(job.ref));
    await fleet.dismiss(job.id);
    this.#jobs.delete(job.id);
    this.#finished.set(job.id, job.entries);
    link.forgetJob(job.id);
    link.rest();
  }

  async #clean(
    cluster: ClusterLink,
    target: { readonly executorId?: string; readonly job?: JobRef },
    options: OperationOptions,
  ): Promise<Record<string, number>> {
    const { kube, identity } = cluster;
    const isMeant = (ref: JobRef): boolean =>
      target.job === undefined ? ref.executorId === target.executorId : formatJobId(ref) === formatJobId(target.job);
    const made = await kube.list(identity.namespace, poolSelector(identity, 'worker'), options);
    const removed = { jobs: 0, records: 0 };
    const ids = new Set<string>();
    for (const { metadata } of made) {
      const ref = parseJobId(metadata?.labels?.[LABELS.job] ?? '');
      if (ref === undefined || !isMeant(ref)) continue;
      ids.add(formatJobId(ref));
      if (metadata?.deletionTimestamp !== undefined) continue;
      if (await kube.remove(identity.namespace, metadata?.name ?? '', options)) removed.jobs += 1;
    }
    for await (const { key } of this.#deps.storage.list(this.#keys.jobs, options)) {
      const ref = this.#keys.jobOf(key);
      if (ref !== undefined && isMeant(ref)) ids.add(formatJobId(ref));
    }
    if (ids.size > 0) await this.#forgetAtMaster(cluster, [...ids]).catch(() => {});
    // A client that was killed could not remove its own.
    const { executorId = this.#deps.executorId } = target;
    if (executorId !== this.#deps.executorId) await this.#deps.storage.delete(this.#keys.client(executorId), options);
    for (const id of ids) {
      removed.records += await removeBelow(this.#deps.storage, this.#keys.job(parseJobId(id) as JobRef));
      const own = this.#jobs.get(id);
      if (own === undefined) continue;
      for (const event of own.reconcile(undefined)) this.#lost(event);
      own.end();
      this.#finish(own);
    }
    return removed;
  }

  /** Also of a client that has not said who it is. */
  async #forgetAtMaster({ way }: ClusterLink, jobs: readonly string[]): Promise<void> {
    if (this.#parts !== undefined && this.#jobs.size > 0) return this.#parts.link.forget(jobs);
    const { storage, executorId, clock } = this.#deps;
    const records = new ClientRecordKeeper(storage, this.#keys, executorId);
    const caller = new MasterCaller({ storage, key: this.#keys.master, token: records.token, way, clock });
    if (!(await caller.isThere())) return;
    await records.write();
    try {
      await caller.ask({
        path: '/v1/client/forget',
        header: { v: 1, jobs },
        answer: plainAnswer,
        timeoutMs: FORGET_MS,
      });
    } finally {
      await records.remove();
    }
  }

  /** Never rejects. */
  async #stop(options: StopOptions): Promise<void> {
    const parts = this.#parts;
    if (parts === undefined) return;
    const { cluster, fleet, link, records } = parts;
    const jobs = [...this.#jobs.values()].filter(({ isFinishing }) => !isFinishing);
    await Promise.allSettled(jobs.map((job) => this.#cancelForGood(job, options)));
    this.#roster?.clear();
    for (const job of jobs) {
      job.end();
      this.#finish(job);
    }
    await Promise.all(this.#ending);
    this.#stopped.abort();
    await Promise.all([link.stop(), fleet.stop()]);
    await this.#sweep(cluster).catch((error: unknown) =>
      this.#deps.logger.warn('the cluster could not be swept', { error }),
    );
    await records.remove().catch((error: unknown) => this.#deps.logger.debug('the client’s record stays', { error }));
    cluster.close();
  }

  /** What could not be removed when its job ended. */
  async #sweep({ kube, identity }: ClusterLink): Promise<void> {
    const selector = `${poolSelector(identity, 'worker')},${LABELS.executor}=${this.#deps.executorId}`;
    for (const { metadata } of await kube.list(identity.namespace, selector, {})) {
      if (metadata?.deletionTimestamp === undefined) await kube.remove(identity.namespace, metadata?.name ?? '');
    }
  }

  /** Drops what waits, and waits until what runs has ended, within the grace. */
  async #cancelForGood(job: OwnJob, { graceMs = 0, signal }: StopOptions): Promise<void> {
    const { link } = this.#parts as Parts;
    job.cancel({});
    job.end();
    await this.#write(job, { cancel: { graceMs }, end: true });
    link.wake();
    const { clock } = this.#deps;
    const endMs = clock.now() + graceMs + STOP_MS;
    const isLeft = (): boolean => !job.isFinishing && clock.now() < endMs && signal?.aborted !== true;
    // Without a master nobody could say.
    while (isLeft() && link.isAnswered) await pause(clock, LOOK_MS, { keepAlive: true });
  }
}
