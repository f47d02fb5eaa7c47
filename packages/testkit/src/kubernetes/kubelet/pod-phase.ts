import type { Condition } from '../objects/metadata.ts';
import type { ContainerStatus, PodPhase, PodSpec } from '../objects/pod.ts';

export interface PodProgress {
  readonly initialized: boolean;
  readonly containers: readonly ContainerStatus[];
  readonly restartPolicy: NonNullable<PodSpec['restartPolicy']>;
  /** Nothing will be started again, whatever the policy says. */
  readonly ending: boolean;
  /** An init container failed for good. */
  readonly failedEarly: boolean;
}

/** The phase of a pod by the states of its containers. */
export function podPhase({ initialized, containers, restartPolicy, ending, failedEarly }: PodProgress): PodPhase {
  if (failedEarly) return 'Failed';
  const ended = containers.filter(({ state }) => state.terminated !== undefined);
  if (ended.length === containers.length && (ending || restartPolicy !== 'Always')) {
    const failed = ended.some(({ state }) => state.terminated?.exitCode !== 0);
    if (!failed) return 'Succeeded';
    if (ending || restartPolicy === 'Never') return 'Failed';
  }
  if (ending && containers.every(({ state }) => state.running === undefined)) return 'Failed';
  const begun = containers.some(
    ({ state, lastState }) => state.waiting === undefined || lastState.terminated !== undefined,
  );
  const neverStarted = containers.some(
    ({ state, lastState }) => state.waiting !== undefined && lastState.terminated === undefined,
  );
  return initialized && begun && !neverStarted ? 'Running' : 'Pending';
}

/** The conditions that follow from the same. */
export function podConditions(progress: PodProgress, phase: PodPhase): Omit<Condition, 'lastTransitionTime'>[] {
  const unready = progress.containers.filter(({ ready }) => !ready).map(({ name }) => name);
  const finished = phase === 'Succeeded' || phase === 'Failed';
  const unreadyWhy = finished
    ? { reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' }
    : { reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
  const ready = unready.length === 0 && !finished;
  const readiness = ready ? ({ status: 'True' } as const) : ({ status: 'False', ...unreadyWhy } as const);
  const initialized = progress.initialized
    ? ({ type: 'Initialized', status: 'True' } as const)
    : ({ type: 'Initialized', status: 'False', reason: 'ContainersNotInitialized' } as const);
  return [initialized, { type: 'Ready', ...readiness }, { type: 'ContainersReady', ...readiness }];
}
