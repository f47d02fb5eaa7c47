/**
 * The worker pods of this client's jobs, and the master's: makes the Kubernetes Jobs that make them, watches how they fare,
 * and says why nothing runs. What is to be made, {@link planBatches} decides.
 */
import type {
  BackendDiagnosis,
  Clock,
  ClockTimer,
  JobRef,
  Logger,
  LossReason,
  OperationOptions,
} from '@splitrock/core/plugin';
import { formatJobId } from '@splitrock/core/plugin';
import {
  ClusterView,
  EVENTS,
  KubeApiError,
  LABELS,
  PodsSeen,
  StartFailures,
  ToldTroubles,
  apiTrouble,
  encodeKubeName,
  eventTrouble,
  isExaminable,
  placementRules,
  podDeath,
  poolTroubles,
  refusalTrouble,
  viewPod,
  type KubeClient,
  type KubernetesOptions,
  type NodeRoom,
  type Pod,
  type PodDeath,
  type PodView,
  type PoolBootstrap,
  type PoolIdentity,
  type Trouble,
} from '@splitrock/k8s-common';
import { planBatches, type Batch, type BatchOrder } from './batch-plan.ts';
import { KubeJobs } from './kube-jobs.ts';
import { jobLabels } from './manifests.ts';

export interface FleetSetup {
  readonly client: KubeClient;
  readonly identity: PoolIdentity;
  readonly options: KubernetesOptions;
  readonly executorId: string;
  readonly keepSeconds: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface FleetListener {
  diagnosis(event: BackendDiagnosis): void;
  /** A worker's pod has ended; `reason` absent: well. */
  ended(jobId: string, worker: string, reason: LossReason | undefined): void;
}

interface FleetJob {
  readonly ref: JobRef;
  readonly bootstrap: () => PoolBootstrap;
  openCalls: number;
  readonly batches: Map<string, MadeBatch>;
  lastBatch: number;
}

interface MadeBatch {
  readonly order: BatchOrder;
  readonly madeMs: number;
  wasSeen: boolean;
  isEnding: boolean;
  examinedMs: number;
}

const GATHER_MS = 20;
const LOOK_MS = 500;
const REFUSED_PAUSE_MS = 5_000;
const INCIDENT_MS = 30_000;
/** A batch without a pod for so long is asked for its events, every so often. */
const PODLESS_MS = 1_500;
const EXAMINE_MS = 3_000;
/** Workers that are to fill nodes wait so long for the master to have its place, which is not theirs any more. */
const MASTER_PLACE_MS = 5_000;
/** What is free is known so soon after. */
const ROOMS_MS = 100;

export class Fleet {
  readonly #setup: FleetSetup;
  readonly #listener: FleetListener;
  readonly #kube: KubeJobs;
  readonly #view: ClusterView;
  readonly #jobs = new Map<string, FleetJob>();
  readonly #seen = new PodsSeen();
  readonly #failures = new StartFailures();
  readonly #told = new ToldTroubles();
  readonly #stop = new AbortController();
  readonly #underway = new Set<Promise<void>>();
  readonly #incidents: { readonly trouble: Trouble; readonly untilMs: number }[] = [];
  #pods: readonly Pod[] = [];
  #rooms: readonly NodeRoom[] | undefined;
  #apiTrouble: Trouble | undefined;
  #refusal: { readonly trouble: Trouble; readonly untilMs: number } | undefined;
  #wantedSinceMs: number | undefined;
  #masterPlacedMs: number | undefined;
  #timer: { readonly atMs: number; readonly timer: ClockTimer } | undefined;
  #isFirstLook = true;

  constructor(setup: FleetSetup, listener: FleetListener) {
    this.#setup = setup;
    this.#listener = listener;
    const { client, options, identity, clock, executorId } = setup;
    this.#kube = new KubeJobs(client, options);
    // This executor's workers, and the master of all.
    const tenant = `${LABELS.tenant}=${encodeKubeName(identity.tenant)}`;
    const selector = `${tenant},${LABELS.pool}=${encodeKubeName(identity.pool)},${LABELS.executor} in (${executorId},${MASTER_LABEL})`;
    this.#view = new ClusterView(
      {
        client,
        clock,
        namespace: identity.namespace,
        selector,
        ...(options.sizing.kind === 'per-node' ? { rules: placementRules(options) } : {}),
      },
      {
        podsChanged: (pods) => {
          this.#pods = pods;
          this.#lookIn(GATHER_MS);
        },
        podRemoved: (pod) => this.#ended(viewPod(pod), podDeath(pod), jobOf(pod)),
        roomsChanged: (rooms) => {
          this.#rooms = rooms;
          this.#lookIn(GATHER_MS);
        },
        trouble: (what, error) => {
          this.#apiTrouble = apiTrouble(what, error);
          this.#lookIn(GATHER_MS);
        },
        recovered: () => {
          this.#apiTrouble = undefined;
          this.#lookIn(GATHER_MS);
        },
      },
    );
  }

  start(): void {
    this.#view.start();
  }

  /** Slots of the workers that run now, and most that one job can have. */
  get slots(): number {
    return this.#seen.running.filter(({ name }) => !isMaster(name)).reduce((sum, { slots }) => sum + slots, 0);
  }

  /** A job has so many calls that wait or run. 0: it needs no workers just now. */
  want(ref: JobRef, openCalls: number, bootstrap: () => PoolBootstrap): void {
    const id = formatJobId(ref);
    const job = this.#jobs.get(id);
    if (job === undefined && openCalls === 0) return;
    if (job !== undefined) job.openCalls = openCalls;
    else this.#jobs.set(id, { ref, bootstrap, openCalls, batches: new Map(), lastBatch: 0 });
    this.#lookIn(GATHER_MS);
  }

  /** The job needs no workers any more: what was made for it goes. Never rejects. */
  async dismiss(id: string, options: OperationOptions = {}): Promise<void> {
    const job = this.#jobs.get(id);
    this.#jobs.delete(id);
    await Promise.allSettled(this.#underway);
    // Also those of which it is not known whether they were made.
    const names =
      job === undefined ? [] : Array.from({ length: job.lastBatch }, (_, index) => this.#name(job.ref, index + 1));
    await Promise.all(names.map((name) => this.#remove(name, options)));
    this.#lookIn(GATHER_MS);
  }

  /** Nothing is made or told any more; what was made stays. */
  async stop(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#timer?.timer.cancel();
    await this.#view.stop();
    await Promise.allSettled(this.#underway);
  }

  async #remove(name: string, options: OperationOptions): Promise<void> {
    try {
      await this.#kube.remove(this.#setup.identity.namespace, name, options);
    } catch (error) {
      this.#setup.logger.warn('a Kubernetes Job could not be removed; Kubernetes does it later', { name, error });
    }
  }

  #lookIn(delayMs: number): void {
    if (this.#stop.signal.aborted) return;
    const atMs = this.#setup.clock.now() + delayMs;
    // What keeps happening must not put it off.
    if (this.#timer !== undefined && this.#timer.atMs <= atMs) return;
    this.#timer?.timer.cancel();
    this.#timer = { atMs, timer: this.#setup.clock.setTimer(() => this.#look(), delayMs) };
  }

  #look(): void {
    this.#timer = undefined;
    const nowMs = this.#setup.clock.now();
    const views = this.#pods.map(viewPod);
    this.#seen.update(views, nowMs);
    this.#notePods(views);
    this.#isFirstLook = false;
    if (this.#seen.hasSteadyWorker(nowMs)) this.#failures.steady();
    const wanting = [...this.#jobs.values()].filter(({ openCalls }) => openCalls > 0);
    if (wanting.length === 0) this.#wantedSinceMs = undefined;
    else this.#wantedSinceMs ??= nowMs;
    this.#examine(nowMs);
    if (this.#mayMake(nowMs)) for (const job of wanting) this.#makeBatches(job, nowMs);
    for (const event of this.#told.update(this.#troubles(nowMs, wanting.length > 0))) this.#listener.diagnosis(event);
    if (wanting.length > 0 || !this.#told.isEmpty) this.#lookIn(this.#roomsKnownMs(nowMs) > nowMs ? ROOMS_MS : LOOK_MS);
  }

  #notePods(views: readonly PodView[]): void {
    for (const [index, view] of views.entries()) {
      const pod = this.#pods[index] as Pod;
      const batch = this.#batchOf(pod);
      if (batch !== undefined) {
        // Nothing is refused any more.
        if (!batch.wasSeen) this.#refusal = undefined;
        batch.wasSeen = true;
        batch.isEnding ||= view.phase === 'succeeded';
      }
      if (view.phase === 'succeeded' || view.death !== undefined) this.#ended(view, view.death, jobOf(pod));
    }
  }

  /** Tells of an end, once. */
  #ended(view: PodView, death: PodDeath | undefined, jobId: string | undefined): void {
    const { hasRun } = this.#seen.historyOf(view);
    if (!this.#seen.isNewlyEnded(view.uid) || this.#isFirstLook || this.#stop.signal.aborted) return;
    const isDeath = view.phase !== 'succeeded' && death !== undefined;
    const nowMs = this.#setup.clock.now();
    if (isDeath && this.#isWanted(jobId)) {
      if (death.isOwnFault) this.#failures.failed(death, nowMs, this.#seen.hasSteadyWorker(nowMs));
      const trouble = incidentOf(death);
      if (trouble !== undefined) this.#incidents.push({ trouble, untilMs: nowMs + INCIDENT_MS });
    }
    const reason = isDeath && this.#isWanted(jobId) ? death.reason : undefined;
    if (jobId !== undefined && hasRun) this.#listener.ended(jobId, view.name, reason);
    this.#lookIn(GATHER_MS);
  }

  /** What is taken away on purpose is no news. */
  #isWanted = (jobId: string | undefined): boolean => jobId === undefined || this.#jobs.has(jobId);

  #batchOf({ metadata }: Pod): MadeBatch | undefined {
    const job = this.#jobs.get(metadata?.labels?.[LABELS.job] ?? '');
    return job?.batches.get(metadata?.ownerReferences?.[0]?.name ?? '');
  }

  #mayMake(nowMs: number): boolean {
    const mayNotYet =
      nowMs < Math.max(this.#failures.pauseUntilMs, this.#refusal?.untilMs ?? 0, this.#roomsKnownMs(nowMs));
    return this.#seen.known && !mayNotYet && this.#apiTrouble === undefined;
  }

  /** When it is known what the master leaves to workers that are sized to nodes. */
  #roomsKnownMs(nowMs: number): number {
    if (this.#setup.options.sizing.kind !== 'per-node') return 0;
    const isPlaced = this.#livePods.some(
      (pod) => isMaster(pod.metadata?.name ?? '') && pod.spec?.nodeName !== undefined,
    );
    if (isPlaced) this.#masterPlacedMs ??= nowMs;
    return isPlaced ? (this.#masterPlacedMs ?? nowMs) + ROOMS_MS : (this.#wantedSinceMs ?? nowMs) + MASTER_PLACE_MS;
  }

  #makeBatches(job: FleetJob, nowMs: number): void {
    const view = {
      nowMs,
      openCalls: job.openCalls,
      batches: [...job.batches].map(([name, batch]) => this.#batchView(name, batch)),
      rooms: this.#rooms ?? [],
      hasGivenUp: this.#failures.hasGivenUp,
    };
    for (const order of planBatches(view, this.#setup.options)) this.#make(job, order, nowMs);
  }

  #batchView(name: string, { order, madeMs, wasSeen, isEnding }: MadeBatch): Batch {
    const { parallelism, place, size } = order;
    const live = this.#livePods.filter(({ metadata }) => metadata?.ownerReferences?.[0]?.name === name).length;
    return { name, parallelism, place, slots: size.slots, madeMs, live, wasSeen, isEnding };
  }

  get #livePods(): readonly Pod[] {
    const live = new Set(this.#seen.live.map(({ uid }) => uid));
    return this.#pods.filter(({ metadata }) => live.has(metadata?.uid ?? ''));
  }

  #make(job: FleetJob, order: BatchOrder, nowMs: number): void {
    const { identity, executorId, keepSeconds } = this.#setup;
    const { ref } = job;
    job.lastBatch += 1;
    const name = this.#name(ref, job.lastBatch);
    job.batches.set(name, { order, madeMs: nowMs, wasSeen: false, isEnding: false, examinedMs: nowMs });
    const { parallelism, size, place, hostname } = order;
    const plan = {
      name,
      identity,
      parallelism,
      size,
      place,
      madeBy: executorId,
      keepSeconds,
      labels: jobLabels(executorId, formatJobId(ref)),
      ...(hostname === undefined ? {} : { hostname }),
    };
    this.#run(async () => {
      try {
        await this.#kube.create(plan, job.bootstrap(), { signal: this.#stop.signal });
        this.#refusal = undefined;
      } catch (error) {
        job.batches.delete(name);
        if (this.#stop.signal.aborted) return;
        if (!(error instanceof KubeApiError)) throw error;
        this.#refused(apiTrouble('create the Kubernetes Job of a job', error));
      }
    });
  }

  #name(ref: JobRef, batch: number): string {
    return `splitrock-${encodeKubeName(this.#setup.identity.tenant, 14)}-${formatJobId(ref)}-${batch}`;
  }

  #refused(trouble: Trouble): void {
    this.#refusal = { trouble, untilMs: this.#setup.clock.now() + REFUSED_PAUSE_MS };
    this.#lookIn(GATHER_MS);
  }

  /** Asks why pods do not start, and why a Kubernetes Job has none. */
  #examine(nowMs: number): void {
    const { client, identity } = this.#setup;
    const silent = this.#seen.pending(nowMs).filter(isExaminable);
    for (const { pod } of silent.filter((each) => this.#seen.isExaminationDue(each.pod.uid, nowMs)).slice(0, 3)) {
      this.#run(async () => {
        const fieldSelector = `involvedObject.uid=${pod.uid}`;
        const { items } = await client.list(EVENTS, { namespace: identity.namespace, fieldSelector }, this.#options);
        const whole = this.#pods.find(({ metadata }) => metadata?.uid === pod.uid) ?? { metadata: { name: pod.name } };
        this.#seen.examined(pod.uid, eventTrouble(whole, items));
      });
    }
    for (const { openCalls, batches } of this.#jobs.values()) {
      for (const [name, batch] of openCalls > 0 ? batches : []) this.#examineBatch(name, batch, nowMs);
    }
  }

  #examineBatch(name: string, batch: MadeBatch, nowMs: number): void {
    if (batch.wasSeen || nowMs - batch.madeMs < PODLESS_MS) return;
    if (batch.examinedMs > batch.madeMs && nowMs - batch.examinedMs < EXAMINE_MS) return;
    batch.examinedMs = nowMs;
    const { client, identity } = this.#setup;
    this.#run(async () => {
      const fieldSelector = `involvedObject.kind=Job,involvedObject.name=${name}`;
      const { items } = await client.list(EVENTS, { namespace: identity.namespace, fieldSelector }, this.#options);
      const refused = items.findLast(({ reason }) => reason === 'FailedCreate');
      if (refused?.message !== undefined) this.#refused(refusalTrouble('create a worker pod', refused.message));
    });
  }

  get #options(): OperationOptions {
    return { signal: this.#stop.signal };
  }

  #troubles(nowMs: number, isWanted: boolean): ReturnType<typeof poolTroubles> {
    while (this.#incidents[0] !== undefined && this.#incidents[0].untilMs <= nowMs) this.#incidents.shift();
    if (this.#refusal !== undefined && this.#refusal.untilMs <= nowMs - LOOK_MS) this.#refusal = undefined;
    return poolTroubles({
      nowMs,
      isWanted,
      demandSinceMs: this.#wantedSinceMs ?? nowMs,
      live: this.#seen.live.filter(({ name }) => !isMaster(name)),
      runningCount: this.#seen.running.filter(({ name }) => !isMaster(name)).length,
      pending: this.#seen.pending(nowMs),
      rooms: this.#rooms,
      options: this.#setup.options,
      failures: this.#failures,
      incidents: this.#incidents.map(({ trouble }) => trouble),
      apiTrouble: this.#apiTrouble,
      refusal: this.#refusal?.trouble,
    });
  }

  /** In the background; what fails comes up again while it is still wanted. */
  #run(work: () => Promise<void>): void {
    const running = work()
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#setup.logger.debug('a request to the cluster failed', { error });
      })
      .finally(() => this.#underway.delete(running));
    this.#underway.add(running);
  }
}

/** In the label of the executor, on pods of masters: they are everybody's. */
export const MASTER_LABEL = 'all';
const MASTER_NAME = /-master-[0-9]+(-[a-z0-9]+)?$/;
const isMaster = (podName: string): boolean => MASTER_NAME.test(podName);

const jobOf = ({ metadata }: Pod): string | undefined => metadata?.labels?.[LABELS.job];

/** Losses that are worth a word of their own; crashes at start are counted as failures instead. */
function incidentOf({ reason: { kind, message } }: PodDeath): Trouble | undefined {
  if (kind === 'out-of-memory') return { code: 'WORKER_OUT_OF_MEMORY', message };
  if (kind === 'evicted') return { code: 'WORKER_EVICTED', message };
  return kind === 'node-lost' ? { code: 'NODE_LOST', message } : undefined;
}
