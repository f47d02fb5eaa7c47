/** Why a pod that should run does not: from its conditions and containers, and from its events where these are silent. */
import type { ContainerStatus, KubeEvent, Pod } from '../api/kube-objects.ts';
import type { DiagnosisCode, Trouble } from './diagnosis-codes.ts';

/** What the kubelet writes as the reason of a container that waits. `ContainerCreating` and `PodInitializing` are none. */
const WAITING: Readonly<Record<string, DiagnosisCode>> = {
  ErrImagePull: 'IMAGE_PULL_FAILED',
  ImagePullBackOff: 'IMAGE_PULL_FAILED',
  ErrImageNeverPull: 'IMAGE_PULL_FAILED',
  RegistryUnavailable: 'IMAGE_PULL_FAILED',
  ImageInspectError: 'IMAGE_PULL_FAILED',
  SignatureValidationFailed: 'IMAGE_PULL_FAILED',
  InvalidImageName: 'IMAGE_NAME_INVALID',
  CreateContainerConfigError: 'WORKER_CONFIG_FAILED',
  CreateContainerError: 'WORKER_START_FAILED',
  PreCreateHookError: 'WORKER_START_FAILED',
  PreStartHookError: 'WORKER_START_FAILED',
  PostStartHookError: 'WORKER_START_FAILED',
  RunContainerError: 'WORKER_START_FAILED',
  CrashLoopBackOff: 'WORKER_START_FAILED',
};

/** What the kubelet says of a secret or config map that a container takes variables from. */
const MISSING = /(secret|configmap) "[^"]*" not found|couldn't find key/i;

const EVENTS: Readonly<Record<string, DiagnosisCode>> = {
  FailedMount: 'WORKER_VOLUME_FAILED',
  FailedAttachVolume: 'WORKER_VOLUME_FAILED',
  FailedScheduling: 'POOL_UNSCHEDULABLE',
  FailedCreatePodSandBox: 'WORKER_START_FAILED',
  FailedPodSandBoxStatus: 'WORKER_START_FAILED',
  NetworkNotReady: 'WORKER_START_FAILED',
};

/** `undefined`: nothing is known to be wrong with it (yet). Only of pods that have neither ended nor run. */
export function podTrouble(pod: Pod): Trouble | undefined {
  return schedulingTrouble(pod) ?? containerTrouble(pod);
}

/** The same from the pod's events, the last one first. */
export function eventTrouble(pod: Pod, events: readonly KubeEvent[]): Trouble | undefined {
  const last = events
    .filter(({ reason = '', type }) => type === 'Warning' && reason in EVENTS)
    .toSorted((a, b) => timeOf(b) - timeOf(a))[0];
  if (last === undefined) return undefined;
  const { reason = '', message = '' } = last;
  return { code: EVENTS[reason] as DiagnosisCode, message: tell(pod, reason, message), details: { reason } };
}

function schedulingTrouble(pod: Pod): Trouble | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  const { reason = 'Unschedulable', message = '' } = scheduled;
  if (reason !== 'Unschedulable' && reason !== 'SchedulingGated') return undefined;
  return { code: 'POOL_UNSCHEDULABLE', message: tell(pod, reason, message), details: { reason } };
}

function containerTrouble(pod: Pod): Trouble | undefined {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  return (
    initContainerStatuses.map((status) => statusTrouble(pod, status, true)).find(isThere) ??
    containerStatuses.map((status) => statusTrouble(pod, status, false)).find(isThere)
  );
}

function statusTrouble(pod: Pod, { image, state, lastState }: ContainerStatus, isInit: boolean): Trouble | undefined {
  const { reason = '', message = '' } = state?.waiting ?? {};
  const isMissing = reason === 'CreateContainerConfigError' && MISSING.test(message);
  const code = isMissing ? 'WORKER_VOLUME_FAILED' : WAITING[reason];
  if (code === undefined) return undefined;
  if (code === 'WORKER_START_FAILED' && isInit) {
    const last = lastState?.terminated;
    const log = last?.message === undefined ? {} : { log: last.message };
    return { code: 'WORKER_INIT_FAILED', message: tell(pod, reason, message), details: { reason, ...log } };
  }
  return { code, message: tell(pod, reason, message), details: { reason, ...(image === undefined ? {} : { image }) } };
}

const tell = (pod: Pod, reason: string, message: string): string =>
  `pod ${pod.metadata?.name ?? ''}: ${reason}${message === '' ? '' : `: ${message.trim()}`}`;

const timeOf = ({ lastTimestamp, eventTime, metadata }: KubeEvent): number =>
  Date.parse(lastTimestamp ?? eventTime ?? metadata?.creationTimestamp ?? '') || 0;

const isThere = (trouble: Trouble | undefined): trouble is Trouble => trouble !== undefined;
