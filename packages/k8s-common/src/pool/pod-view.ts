/** A worker pod as the pool sees it: what decides, and nothing of what does not. */
import type { Pod } from '../api/kube-objects.ts';
import type { Trouble } from '../diagnosis/diagnosis-codes.ts';
import { podTrouble } from '../diagnosis/pod-trouble.ts';
import { podDeath, type PodDeath } from '../diagnosis/pod-death.ts';
import { ANNOTATIONS } from '../worker-pod/pool-identity.ts';
import { WORKER_CONTAINER } from '../worker-pod/worker-pod.ts';

export interface PodView {
  readonly name: string;
  readonly uid: string;
  readonly place: string;
  readonly slots: number;
  /** Who made it; absent on pods of other versions. */
  readonly madeBy?: string;
  readonly node?: string;
  /**
   * - `pending`: its worker has not begun to run;
   * - `running`: it has, and its node still says so;
   * - `unreachable`: it has, but its node is silent;
   * - `leaving`: somebody asked for its deletion;
   * - `succeeded`, `failed`: it has ended.
   */
  readonly phase: 'pending' | 'running' | 'unreachable' | 'leaving' | 'succeeded' | 'failed';
  readonly trouble?: Trouble;
  /** Why it ended, of one that failed, or whose node was given up for lost: such a pod stays until the node is back. */
  readonly death?: PodDeath;
}

export function viewPod(pod: Pod): PodView {
  const { metadata, spec } = pod;
  const annotations = metadata?.annotations ?? {};
  const phase = phaseOf(pod);
  const trouble = phase === 'pending' ? podTrouble(pod) : undefined;
  const madeBy = annotations[ANNOTATIONS.madeBy];
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    place: annotations[ANNOTATIONS.place] ?? '',
    slots: Number(annotations[ANNOTATIONS.slots]) || 1,
    phase,
    ...(madeBy === undefined ? {} : { madeBy }),
    ...(spec?.nodeName === undefined ? {} : { node: spec.nodeName }),
    ...(trouble === undefined ? {} : { trouble }),
    ...(phase === 'failed' || isOnLostNode(pod) ? { death: podDeath(pod) } : {}),
  };
}

const isOnLostNode = ({ metadata, status }: Pod): boolean =>
  metadata?.deletionTimestamp !== undefined && status?.reason === 'NodeLost';

function phaseOf({ metadata, status }: Pod): PodView['phase'] {
  if (status?.phase === 'Succeeded') return 'succeeded';
  if (status?.phase === 'Failed') return 'failed';
  if (metadata?.deletionTimestamp !== undefined) return 'leaving';
  const worker = status?.containerStatuses?.find(({ name }) => name === WORKER_CONTAINER);
  // The phase follows its only container a moment later.
  if (worker?.state?.terminated !== undefined) return worker.state.terminated.exitCode === 0 ? 'succeeded' : 'failed';
  if (status?.phase !== 'Running' || (worker !== undefined && worker.state?.running === undefined)) return 'pending';
  // There is no readiness probe: a running container is ready, unless the node stopped telling.
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  return ready !== undefined && ready.status !== 'True' && worker?.ready !== false ? 'unreachable' : 'running';
}
