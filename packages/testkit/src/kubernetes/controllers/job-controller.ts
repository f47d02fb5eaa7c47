/** Runs jobs: makes their pods, counts how they end, and says when the job is over. */
import type { Clock, ClockTimer } from '@splitrock/core/plugin';
import { ApiError } from '../api-error.ts';
import type { Job } from '../objects/cluster.ts';
import { conditionOf, setCondition } from '../objects/conditions.ts';
import { keyText } from '../objects/names.ts';
import { toTimestamp } from '../objects/timestamps.ts';
import type { Registry } from '../registry/registry.ts';
import { isChangeOf, type Change } from '../store/change.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { EventRecorder } from './event-recorder.ts';
import { formatIndexes, missingIndexes, planJob, type JobTally } from './job-plan.ts';
import { JobPods, podOf } from './job-pods.ts';
import { WorkQueue } from './work-queue.ts';

const COMPONENT = 'job-controller';
const MAX_BACKOFF_MS = 360_000;

export interface JobControllerSettings {
  readonly store: ObjectStore;
  readonly registry: Registry;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly backoffMs: number;
}

export class JobController {
  readonly #settings: JobControllerSettings;
  /** By the uid of the job. */
  readonly #pods = new Map<string, JobPods>();
  readonly #timers = new Map<string, ClockTimer>();
  readonly #queue = new WorkQueue((key) => this.#sync(key));
  readonly #unsubscribe: () => void;

  constructor(settings: JobControllerSettings) {
    this.#settings = settings;
    this.#unsubscribe = settings.store.onChange((change) => this.#follow(change));
  }

  stop(): void {
    this.#unsubscribe();
    this.#queue.stop();
    for (const timer of this.#timers.values()) timer.cancel();
  }

  #follow(change: Change): void {
    if (isChangeOf(change, 'jobs')) {
      this.#queue.add(keyText(change.object.metadata));
      if (change.type === 'DELETED') this.#pods.delete(change.object.metadata.uid);
    } else if (isChangeOf(change, 'pods')) {
      const { ownerReferences = [], namespace } = change.object.metadata;
      const owner = ownerReferences.find(({ kind, controller }) => kind === 'Job' && controller === true);
      const job = owner === undefined ? undefined : this.#settings.store.get('jobs', { namespace, name: owner.name });
      if (job === undefined || job.metadata.uid !== owner?.uid) return;
      this.#podsOf(job).note(change, job.spec.podReplacementPolicy, this.#settings.clock.now());
      this.#queue.add(keyText(job.metadata));
    }
  }

  #sync(key: string): void {
    const [namespace, name = ''] = key.split('/');
    const { store, clock } = this.#settings;
    const job = store.get('jobs', { namespace, name });
    if (job === undefined || job.metadata.deletionTimestamp !== undefined) return;
    if (isOver(job)) {
      this.#expire(job);
      return;
    }
    const pods = this.#podsOf(job);
    const plan = planJob(job, pods.tally(), clock.now());
    if (plan.kind === 'run') {
      for (const { metadata } of plan.remove) this.#settings.registry.delete('pods', metadata);
      this.#create(job, pods, plan.create);
      this.#awaitDeadline(job);
    } else {
      for (const { metadata } of pods.tally().active) this.#settings.registry.delete('pods', metadata);
    }
    this.#report(job, pods, plan.kind === 'run' ? undefined : plan);
  }

  /** Makes pods, not before the pause after the last failure is over. */
  #create(job: Job, pods: JobPods, count: number): void {
    const { clock, backoffMs, registry, events } = this.#settings;
    if (count === 0) return;
    const { failed } = pods.tally();
    const pauseMs = failed === 0 ? 0 : Math.min(backoffMs * 2 ** (failed - 1), MAX_BACKOFF_MS);
    const waitMs = (pods.lastFailureMs ?? 0) + pauseMs - clock.now();
    if (failed > 0 && waitMs > 0) {
      this.#later(job, 'create', waitMs);
      return;
    }
    const { completions = 0, completionMode } = job.spec;
    const indexes = completionMode === 'Indexed' ? missingIndexes(completions, pods.takenIndexes(), count) : [];
    for (let made = 0; made < count; made += 1) {
      try {
        const pod = registry.create('pods', podOf(job, indexes[made]), job.metadata.namespace);
        events.record(job, COMPONENT, { reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}` });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        events.record(job, COMPONENT, {
          type: 'Warning',
          reason: 'FailedCreate',
          message: `Error creating: ${error.message}`,
        });
        this.#later(job, 'create', backoffMs);
        return;
      }
    }
  }

  #report(
    job: Job,
    pods: JobPods,
    outcome: { kind: 'complete' } | { kind: 'fail'; reason: string; message: string } | undefined,
  ): void {
    const { store, events } = this.#settings;
    const now = toTimestamp(this.#settings.clock.now());
    const tally = pods.tally();
    store.update('jobs', job.metadata, ({ spec, status }) => {
      if (spec.suspend !== true) status.startTime ??= now;
      setCounts(status, tally, spec);
      status.conditions ??= [];
      if (outcome?.kind === 'complete') {
        status.completionTime = now;
        setCondition(status.conditions, { type: 'Complete', status: 'True' }, now);
      } else if (outcome !== undefined) {
        const { reason, message } = outcome;
        setCondition(status.conditions, { type: 'Failed', status: 'True', reason, message }, now);
      } else if (spec.suspend === true) {
        const why = { reason: 'JobSuspended', message: 'Job suspended' };
        setCondition(status.conditions, { type: 'Suspended', status: 'True', ...why }, now);
      } else if (conditionOf(status.conditions, 'Suspended') !== undefined) {
        const why = { reason: 'JobResumed', message: 'Job resumed' };
        setCondition(status.conditions, { type: 'Suspended', status: 'False', ...why }, now);
      }
      if (status.conditions.length === 0) delete status.conditions;
    });
    if (outcome?.kind === 'complete') events.record(job, COMPONENT, { reason: 'Completed', message: 'Job completed' });
    if (outcome?.kind === 'fail') {
      events.record(job, COMPONENT, { type: 'Warning', reason: outcome.reason, message: outcome.message });
    }
  }

  #awaitDeadline(job: Job): void {
    const { activeDeadlineSeconds } = job.spec;
    const { startTime } = job.status;
    if (activeDeadlineSeconds === undefined) return;
    const startedMs = startTime === undefined ? this.#settings.clock.now() : Date.parse(startTime);
    this.#later(job, 'deadline', startedMs + activeDeadlineSeconds * 1000 - this.#settings.clock.now());
  }

  /** A finished job with a time to live goes, with its pods, when it is over. */
  #expire(job: Job): void {
    const { ttlSecondsAfterFinished } = job.spec;
    if (ttlSecondsAfterFinished === undefined) return;
    const since =
      job.status.conditions?.find(({ type }) => type === 'Complete' || type === 'Failed')?.lastTransitionTime ?? '';
    const dueMs = Date.parse(since) + ttlSecondsAfterFinished * 1000;
    const { clock, registry } = this.#settings;
    if (clock.now() >= dueMs) registry.delete('jobs', job.metadata, { propagationPolicy: 'Background' });
    else this.#later(job, 'ttl', dueMs - clock.now());
  }

  #later(job: Job, purpose: string, delayMs: number): void {
    const key = `${purpose} ${job.metadata.uid}`;
    this.#timers.get(key)?.cancel();
    const again = (): void => {
      this.#timers.delete(key);
      this.#queue.add(keyText(job.metadata));
    };
    this.#timers.set(key, this.#settings.clock.setTimer(again, Math.max(0, delayMs)));
  }

  #podsOf(job: Job): JobPods {
    let pods = this.#pods.get(job.metadata.uid);
    if (pods === undefined) this.#pods.set(job.metadata.uid, (pods = new JobPods()));
    return pods;
  }
}

function isOver(job: Job): boolean {
  return ['Complete', 'Failed'].some((type) => conditionOf(job.status.conditions, type)?.status === 'True');
}

/** Counts of zero are left out of the status, as the API server does. */
function setCounts(status: Job['status'], tally: JobTally, spec: Job['spec']): void {
  const ready = tally.active.filter((pod) => conditionOf(pod.status.conditions, 'Ready')?.status === 'True').length;
  const counts = { active: tally.active.length, succeeded: tally.succeeded, failed: tally.failed };
  for (const [name, count] of Object.entries(counts) as [keyof typeof counts, number][]) {
    if (count > 0) status[name] = count;
    else delete status[name];
  }
  status.ready = ready;
  status.terminating = tally.terminating;
  if (spec.completionMode === 'Indexed') status.completedIndexes = formatIndexes(tally.succeededIndexes);
}
