/** Statuses as kubelets, schedulers and controllers of several versions write them. */
import { describe, expect, it } from 'vitest';
import { somePod } from '../../test/kube-samples.ts';
import { KubeApiError, refusal } from '../api/kube-error.ts';
import type { ContainerState, ContainerStatus, KubeEvent, Pod, PodStatus } from '../api/kube-objects.ts';
import { apiTrouble } from './api-trouble.ts';
import { REMEDIES } from './diagnosis-codes.ts';
import { podDeath } from './pod-death.ts';
import { eventTrouble, podTrouble } from './pod-trouble.ts';

const pod = (status: PodStatus, more: object = {}): Pod => somePod('w-0', { node: 'node-a', status, ...more });
const worker = (state: ContainerState): ContainerStatus => ({ name: 'worker', image: 'worker:1', ready: false, state });
const waiting = (reason: string, message?: string): PodStatus => ({
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'True' }],
  containerStatuses: [worker({ waiting: { reason, ...(message === undefined ? {} : { message }) } })],
});
const ended = (terminated: NonNullable<ContainerState['terminated']>, more: PodStatus = {}): PodStatus => ({
  phase: 'Failed',
  containerStatuses: [worker({ terminated })],
  ...more,
});
const unscheduled = (reason: string, message: string): PodStatus => ({
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'False', reason, message }],
});

describe('a pod that should run', () => {
  it.each<[string, PodStatus, string | undefined, string]>([
    ['nobody has looked at', { phase: 'Pending' }, undefined, ''],
    [
      'has no node',
      unscheduled(
        'Unschedulable',
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had taint {gpu: true}, that the pod didn't tolerate.",
      ),
      'POOL_UNSCHEDULABLE',
      'pod w-0: Unschedulable: 0/2 nodes are available: 1 Insufficient cpu',
    ],
    [
      'is held back by a gate',
      unscheduled('SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates'),
      'POOL_UNSCHEDULABLE',
      'SchedulingGated',
    ],
    ['gets its container made', waiting('ContainerCreating'), undefined, ''],
    ['gets its init containers run', waiting('PodInitializing'), undefined, ''],
    [
      'cannot pull',
      waiting(
        'ErrImagePull',
        'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nope:1": not found',
      ),
      'IMAGE_PULL_FAILED',
      'ErrImagePull: rpc error',
    ],
    [
      'pauses before it pulls again',
      waiting('ImagePullBackOff', 'Back-off pulling image "nope:1"'),
      'IMAGE_PULL_FAILED',
      'Back-off pulling image "nope:1"',
    ],
    [
      'may not pull',
      waiting('ErrImageNeverPull', 'Container image "nope:1" is not present with pull policy of Never'),
      'IMAGE_PULL_FAILED',
      'policy of Never',
    ],
    [
      'has a name that is none',
      waiting('InvalidImageName', 'Failed to apply default image tag "A B": couldn\'t parse image reference'),
      'IMAGE_NAME_INVALID',
      'A B',
    ],
    [
      'lacks a secret',
      waiting('CreateContainerConfigError', 'secret "s3" not found'),
      'WORKER_VOLUME_FAILED',
      'secret "s3" not found',
    ],
    [
      'would run as root',
      waiting('CreateContainerConfigError', 'container has runAsNonRoot and image will run as root'),
      'WORKER_CONFIG_FAILED',
      'runAsNonRoot',
    ],
    [
      'cannot be made',
      waiting('CreateContainerError', 'context deadline exceeded'),
      'WORKER_START_FAILED',
      'context deadline exceeded',
    ],
    [
      'cannot be run',
      waiting('RunContainerError', 'exec: "node": executable file not found in $PATH: unknown'),
      'WORKER_START_FAILED',
      'executable file not found',
    ],
  ])('and %s', (_name, status, code, words) => {
    const trouble = podTrouble(pod(status));
    expect(trouble?.code).toBe(code);
    expect(trouble?.message ?? '').toContain(words);
  });

  it('and whose init container fails again and again', () => {
    const init: ContainerStatus = {
      name: 'istio-init',
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container' } },
      lastState: { terminated: { exitCode: 1, reason: 'Error', message: 'iptables: permission denied' } },
    };
    expect(podTrouble(pod({ phase: 'Pending', initContainerStatuses: [init] }))).toMatchObject({
      code: 'WORKER_INIT_FAILED',
      details: { log: 'iptables: permission denied' },
    });
  });

  it('and of which only its events say what is wrong', () => {
    const event = (reason: string, message: string, lastTimestamp: string, type = 'Warning'): KubeEvent => ({
      reason,
      message,
      lastTimestamp,
      type,
    });
    const events = [
      event('FailedScheduling', '0/1 nodes are available', '2026-01-01T00:00:00Z'),
      event(
        'FailedMount',
        'MountVolume.SetUp failed for volume "bootstrap" : secret "s" not found',
        '2026-01-01T00:00:09Z',
      ),
      event('Pulled', 'Successfully pulled image', '2026-01-01T00:00:10Z', 'Normal'),
    ];
    expect(eventTrouble(pod({}), events)).toMatchObject({
      code: 'WORKER_VOLUME_FAILED',
      message: expect.stringContaining('secret "s" not found'),
    });
    expect(eventTrouble(pod({}), [])).toBe(undefined);
  });
});

describe('a pod that ended', () => {
  const evicted =
    'The node was low on resource: memory. Container worker was using 2Gi, which exceeds its request of 1Gi.';
  it.each<[string, PodStatus, object, boolean]>([
    [
      'used too much memory',
      ended({ exitCode: 137, reason: 'OOMKilled' }),
      { kind: 'out-of-memory', exitCode: 137, signal: 'SIGKILL' },
      true,
    ],
    ['was killed', ended({ exitCode: 137, reason: 'Error' }), { kind: 'crash', signal: 'SIGKILL' }, true],
    ['crashed', ended({ exitCode: 139, reason: 'Error' }), { kind: 'crash', signal: 'SIGSEGV' }, true],
    ['ended with a code of its own', ended({ exitCode: 3, reason: 'Error' }), { kind: 'exit', exitCode: 3 }, true],
    [
      'cannot reach its broker',
      ended({ exitCode: 69, reason: 'Error' }),
      { kind: 'exit', message: expect.stringContaining('cannot reach where its calls come from') },
      true,
    ],
    [
      'could not be started',
      ended({ exitCode: 128, reason: 'StartError', message: 'exec: "node": not found' }),
      { kind: 'start-failed', message: expect.stringContaining('exec: "node"') },
      true,
    ],
    [
      'was evicted',
      { phase: 'Failed', reason: 'Evicted', message: evicted },
      { kind: 'evicted', message: expect.stringContaining('low on resource: memory') },
      false,
    ],
    [
      'was evicted, and its container killed',
      ended({ exitCode: 137, reason: 'Error' }, { reason: 'Evicted', message: evicted }),
      { kind: 'evicted' },
      false,
    ],
    [
      'was preempted',
      ended(
        { exitCode: 143, reason: 'Error' },
        {
          conditions: [
            {
              type: 'DisruptionTarget',
              status: 'True',
              reason: 'PreemptionByScheduler',
              message: 'preempting to accommodate a higher priority pod',
            },
          ],
        },
      ),
      { kind: 'evicted', message: expect.stringContaining('higher priority pod') },
      false,
    ],
    [
      'was on a node that shut down',
      { phase: 'Failed', reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' },
      { kind: 'evicted' },
      false,
    ],
    [
      'was on a node that vanished',
      {
        phase: 'Failed',
        conditions: [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'DeletionByPodGC',
            message: 'PodGC: node no longer exists',
          },
        ],
      },
      { kind: 'node-lost' },
      false,
    ],
    [
      'was on a node that is silent',
      { phase: 'Running', reason: 'NodeLost', message: 'Node node-a which was running pod w-0 is unresponsive' },
      { kind: 'node-lost' },
      false,
    ],
    [
      'was refused by its node',
      { phase: 'Failed', reason: 'OutOfcpu', message: "Pod Node didn't have enough resource: cpu" },
      { kind: 'start-failed' },
      false,
    ],
    [
      'nobody knows of',
      ended({
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was terminated',
      }),
      { kind: 'worker-lost', message: expect.stringContaining('did not write down why') },
      false,
    ],
    ['has no status', {}, { kind: 'worker-lost' }, false],
  ])('because it %s', (_name, status, reason, isOwnFault) => {
    const death = podDeath(pod(status));
    expect(death.reason).toMatchObject({ workerId: 'w-0', ...reason });
    expect(death.isOwnFault).toBe(isOwnFault);
    expect(death.reason.message).toContain('worker pod w-0 on node node-a');
  });

  it('because somebody deleted it', () => {
    const gone = pod({ phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(podDeath(gone).reason).toMatchObject({
      kind: 'worker-lost',
      message: expect.stringContaining('was deleted'),
    });
  });

  it.each([
    [
      'the error of its last line',
      '{"level":"warn","message":"earlier"}\n{"level":"error","message":"no source","error":{"message":"The broker refuses the password."}}\n',
      'exited with code 69: it cannot reach where its calls come from: The broker refuses the password',
    ],
    ['its last line', 'earlier\nsegment of text\n', 'come from: segment of text'],
    ['null, which is no object', 'null', 'come from: null'],
    ['nothing', '\n', 'exited with code 69: it cannot reach where its calls come from'],
  ])('in the worker’s own words: %s', (_name, message, words) => {
    const { reason } = podDeath(pod(ended({ exitCode: 69, reason: 'Error', message })));
    expect(reason.message.endsWith(words)).toBe(true);
  });

  it('because an init container failed', () => {
    const terminated = { exitCode: 2, reason: 'Error', message: 'no network' };
    const death = podDeath(pod({ phase: 'Failed', initContainerStatuses: [{ name: 'init', state: { terminated } }] }));
    expect(death).toMatchObject({ reason: { kind: 'start-failed', exitCode: 2 }, log: 'no network' });
  });
});

describe('a refusal of the API', () => {
  const forbidden = (message: string): KubeApiError =>
    refusal(
      'POST /api/v1/namespaces/work/pods',
      403,
      undefined,
      JSON.stringify({ kind: 'Status', reason: 'Forbidden', message, code: 403 }),
    );
  it.each<[string, KubeApiError, string]>([
    [
      'for want of permission',
      forbidden('pods is forbidden: User "ada" cannot create resource "pods" in API group "" in the namespace "work"'),
      'KUBE_FORBIDDEN',
    ],
    [
      'for a quota',
      forbidden(
        'pods "w-0" is forbidden: exceeded quota: compute, requested: requests.cpu=1, used: requests.cpu=4, limited: requests.cpu=4',
      ),
      'POOL_QUOTA_EXCEEDED',
    ],
    [
      'for Pod Security',
      forbidden('pods "w-0" is forbidden: violates PodSecurity "restricted:latest": seccompProfile'),
      'POD_SECURITY_REFUSED',
    ],
    [
      'for a limit range',
      forbidden('pods "w-0" is forbidden: maximum cpu usage per Container is 500m, but limit is 1'),
      'POD_REFUSED',
    ],
    [
      'for a service account',
      forbidden(
        'pods "w-0" is forbidden: error looking up service account work/nobody: serviceaccount "nobody" not found',
      ),
      'POD_REFUSED',
    ],
    [
      'for credentials',
      refusal('GET /api/v1/pods', 401, undefined, '{"kind":"Status","reason":"Unauthorized","message":"Unauthorized"}'),
      'KUBE_FORBIDDEN',
    ],
    [
      'for a namespace',
      refusal(
        'POST /x',
        404,
        undefined,
        '{"kind":"Status","reason":"NotFound","message":"namespaces \\"work\\" not found"}',
      ),
      'KUBE_NAMESPACE_MISSING',
    ],
    [
      'for a wrong object',
      refusal('POST /x', 422, undefined, '{"kind":"Status","reason":"Invalid","message":"Pod \\"w\\" is invalid"}'),
      'POD_REFUSED',
    ],
    ['by a proxy', refusal('GET /x', 502, undefined, '<html>bad gateway</html>'), 'KUBE_UNREACHABLE'],
    [
      'by silence',
      new KubeApiError({ request: 'GET /x', reason: 'ECONNREFUSED', words: 'connect ECONNREFUSED 10.0.0.1:6443' }),
      'KUBE_UNREACHABLE',
    ],
  ])('%s', (_name, error, code) => {
    const trouble = apiTrouble('create a worker pod', error);
    expect(trouble.code).toBe(code);
    expect(trouble.message).toBe(`cannot create a worker pod: ${error.words}`);
    expect(REMEDIES[trouble.code]).not.toBe('');
  });

  it('says how long to wait, by header or body', () => {
    expect(refusal('GET /x', 429, '7', '').retryAfterMs).toBe(7_000);
    expect(refusal('GET /x', 429, undefined, '{"kind":"Status","details":{"retryAfterSeconds":2}}').retryAfterMs).toBe(
      2_000,
    );
    expect(refusal('GET /x', 429, 'soon', '').retryAfterMs).toBe(undefined);
  });
});
