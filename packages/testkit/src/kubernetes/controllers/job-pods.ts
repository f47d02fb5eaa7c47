import type { Job } from '../objects/cluster.ts';
import { copyOf } from '../objects/copy.ts';
import { isFinished, type Pod } from '../objects/pod.ts';
import type { Change } from '../store/change.ts';
import type { JobTally } from './job-plan.ts';

const INDEX = 'batch.kubernetes.io/job-completion-index';

/** What became of the pods of one job. Success and failure stay counted when the pod is deleted. */
export class JobPods {
  readonly #pods = new Map<string, Pod>();
  readonly #succeeded = new Set<string>();
  readonly #failed = new Set<string>();
  readonly #succeededIndexes = new Set<number>();
  #lastFailureMs: number | undefined;

  /** When a pod failed last, by the cluster's clock. */
  get lastFailureMs(): number | undefined {
    return this.#lastFailureMs;
  }

  /** Notes a change of one of the job's pods. */
  note({ type, object: pod }: Change<'pods'>, policy: Job['spec']['podReplacementPolicy'], nowMs: number): void {
    const { uid } = pod.metadata;
    if (type === 'DELETED') this.#pods.delete(uid);
    else this.#pods.set(uid, pod);
    const isEnding = type === 'DELETED' || (pod.metadata.deletionTimestamp !== undefined && policy !== 'Failed');
    if (pod.status.phase === 'Succeeded') {
      this.#succeeded.add(uid);
      const index = indexOf(pod);
      if (index !== undefined) this.#succeededIndexes.add(index);
    } else if ((pod.status.phase === 'Failed' || isEnding) && !this.#failed.has(uid)) {
      this.#failed.add(uid);
      this.#lastFailureMs = nowMs;
    }
  }

  /** The pods that are in the API now. */
  get all(): readonly Pod[] {
    return [...this.#pods.values()];
  }

  tally(): JobTally {
    const unfinished = this.all.filter((pod) => !isFinished(pod));
    return {
      active: unfinished.filter(({ metadata }) => metadata.deletionTimestamp === undefined),
      terminating: unfinished.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).length,
      succeeded: this.#succeeded.size,
      failed: this.#failed.size,
      restarts: unfinished.reduce((sum, pod) => sum + restartsOf(pod), 0),
      succeededIndexes: this.#succeededIndexes,
    };
  }

  /** The indexes that need no new pod. */
  takenIndexes(): Set<number> {
    const running = this.tally()
      .active.map(indexOf)
      .filter((index) => index !== undefined);
    return new Set([...this.#succeededIndexes, ...running]);
  }
}

/** The pod that a job makes from its template. */
export function podOf(job: Job, index: number | undefined): unknown {
  const { metadata, spec } = job;
  const template = copyOf(spec.template);
  const place = index === undefined ? '' : `${index}-`;
  const indexed = index === undefined ? {} : { [INDEX]: String(index) };
  if (index !== undefined) {
    for (const container of template.spec.containers) {
      (container.env ??= []).push({ name: 'JOB_COMPLETION_INDEX', value: String(index) });
    }
  }
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name: metadata.name, uid: metadata.uid };
  return {
    metadata: {
      generateName: `${metadata.name}-${place}`,
      labels: { ...template.metadata?.labels, ...indexed },
      annotations: { ...template.metadata?.annotations, ...indexed },
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    spec: template.spec,
  };
}

function indexOf(pod: Pod): number | undefined {
  const index = pod.metadata.annotations?.[INDEX];
  return index === undefined ? undefined : Number(index);
}

function restartsOf({ status }: Pod): number {
  return (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);
}
