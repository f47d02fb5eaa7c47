/** Why a pod ended, from what the cluster wrote down. What nobody wrote down is `worker-lost`, not a guess. */
import type { LossReason } from '@splitrock/core/plugin';
import { constants } from 'node:os';
import type { ContainerStatus, Pod } from '../api/kube-objects.ts';
import { WORKER_CONTAINER } from '../worker-pod/worker-pod.ts';

export interface PodDeath {
  readonly reason: LossReason;
  /** The worker's own failing: it would fail the same way elsewhere. False of what the cluster did to it. */
  readonly isOwnFault: boolean;
  /** The end of what it wrote. */
  readonly log?: string;
}

type Kind = LossReason['kind'];

/** The pod's `status.reason`, set by kubelets and controllers. */
const POD_REASONS: Readonly<Record<string, Kind>> = {
  Evicted: 'evicted',
  Preempting: 'evicted',
  Preempted: 'evicted',
  DeadlineExceeded: 'evicted',
  Terminated: 'evicted',
  NodeShutdown: 'evicted',
  Shutdown: 'evicted',
  NodeLost: 'node-lost',
  NodeAffinity: 'start-failed',
  UnexpectedAdmissionError: 'start-failed',
  TopologyAffinityError: 'start-failed',
};

/** The reason of the condition `DisruptionTarget`. */
const DISRUPTIONS: Readonly<Record<string, Kind>> = {
  PreemptionByScheduler: 'evicted',
  DeletionByTaintManager: 'evicted',
  EvictionByEvictionAPI: 'evicted',
  TerminationByKubelet: 'evicted',
  DeletionByPodGC: 'node-lost',
};

/** What the worker's own exit codes mean (`packages/worker`). */
const EXIT_CODES: Readonly<Record<number, string>> = {
  64: 'it was started with wrong arguments',
  69: 'it cannot reach where its calls come from',
  70: 'it failed by a fault of Splitrock',
  78: 'its bootstrap or a plugin in the image is not what it must be',
};

/** Of a pod whose phase is `Failed`, or one that is gone. */
export function podDeath(pod: Pod): PodDeath {
  return byCluster(pod) ?? byContainer(pod) ?? unknown(pod);
}

function byCluster(pod: Pod): PodDeath | undefined {
  const { status } = pod;
  const disruption = status?.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
  const reason = status?.reason ?? '';
  const kind =
    POD_REASONS[reason] ??
    DISRUPTIONS[disruption?.reason ?? ''] ??
    // `OutOfcpu`, `OutOfmemory`, `OutOfpods`: a kubelet that has no room after all.
    (reason.startsWith('OutOf') ? 'start-failed' : undefined);
  if (kind === undefined) return undefined;
  const words = status?.message ?? disruption?.message ?? '';
  const why = reason === '' ? (disruption?.reason ?? '') : reason;
  return { reason: lossOf(pod, kind, `${why}${words === '' ? '' : `: ${words.trim()}`}`), isOwnFault: false };
}

function byContainer(pod: Pod): PodDeath | undefined {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const init = initContainerStatuses.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0);
  if (init !== undefined) {
    const { exitCode = 0, reason = '', message } = init.state?.terminated ?? {};
    const words = `init container ${init.name} ended with exit code ${exitCode}${reason === '' ? '' : ` (${reason})`}`;
    return { reason: { ...lossOf(pod, 'start-failed', words), exitCode }, isOwnFault: true, ...logOf(message) };
  }
  const worker = containerStatuses.find(({ name }) => name === WORKER_CONTAINER) ?? containerStatuses[0];
  return worker?.state?.terminated === undefined ? undefined : terminated(pod, worker.state.terminated);
}

function terminated(pod: Pod, state: NonNullable<NonNullable<ContainerStatus['state']>['terminated']>): PodDeath {
  const { exitCode, reason, message } = state;
  const signal = signalName(state.signal ?? (exitCode > 128 ? exitCode - 128 : 0));
  const facts = { exitCode, ...(signal === undefined ? {} : { signal }) };
  // The kubelet lost sight of the container: its exit code is made up.
  if (reason === 'ContainerStatusUnknown') return unknown(pod);
  if (reason === 'OOMKilled') {
    const loss = lossOf(pod, 'out-of-memory', 'used more memory than its limit (OOMKilled)');
    return { reason: { ...loss, ...facts }, isOwnFault: true, ...logOf(message) };
  }
  if (reason === 'ContainerCannotRun' || reason === 'StartError') {
    return { reason: { ...lossOf(pod, 'start-failed', message ?? reason), exitCode }, isOwnFault: true };
  }
  if (signal !== undefined) {
    return {
      reason: { ...lossOf(pod, 'crash', `was killed by ${signal}`), ...facts },
      isOwnFault: true,
      ...logOf(message),
    };
  }
  const meaning = EXIT_CODES[exitCode];
  const last = lastWords(message);
  const words = [`exited with code ${exitCode}`, meaning, last].filter((part) => part !== undefined).join(': ');
  return { reason: { ...lossOf(pod, 'exit', words), exitCode }, isOwnFault: true, ...logOf(message) };
}

const MAX_WORDS = 300;

/** What the worker said last: why it ended, in its own words. It logs a JSON object a line. */
function lastWords(log: string | undefined): string | undefined {
  const line = log?.trimEnd().split('\n').at(-1)?.trim();
  if (line === undefined || line === '') return undefined;
  const { message, error } = parsed(line);
  return (error?.message ?? message ?? line).slice(0, MAX_WORDS).replace(/\.$/, '');
}

function parsed(line: string): { readonly message?: string; readonly error?: { readonly message?: string } } {
  try {
    return (JSON.parse(line) as ReturnType<typeof parsed> | null) ?? {};
  } catch {
    return {};
  }
}

function unknown(pod: Pod): PodDeath {
  const words =
    pod.metadata?.deletionTimestamp === undefined
      ? 'vanished, and the cluster did not write down why'
      : 'was deleted, and the cluster did not write down by whom';
  return { reason: lossOf(pod, 'worker-lost', words), isOwnFault: false };
}

function lossOf(pod: Pod, kind: Kind, words: string): LossReason {
  const workerId = pod.metadata?.name ?? '';
  const node = pod.spec?.nodeName;
  return { kind, workerId, message: `worker pod ${workerId}${node === undefined ? '' : ` on node ${node}`} ${words}` };
}

const signalName = (number: number): string | undefined =>
  number === 0 ? undefined : Object.entries(constants.signals).find(([, value]) => value === number)?.[0];

const logOf = (message: string | undefined): { readonly log?: string } =>
  message === undefined ? {} : { log: message };
