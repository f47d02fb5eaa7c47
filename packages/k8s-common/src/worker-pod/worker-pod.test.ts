import { describe, expect, it } from 'vitest';
import { someOptions } from '../../test/kube-samples.ts';
import { fixedWorkerSize } from '../sizing/worker-size.ts';
import { bootstrapSecret, type PoolBootstrap } from './bootstrap-secret.ts';
import { poolPrefix, poolSelector, type PoolIdentity } from './pool-identity.ts';
import { workerPod, type WorkerPodPlan } from './worker-pod.ts';

const identity: PoolIdentity = { tenant: 'team-a', namespace: 'work', pool: 'p1234567890' };
const ref = (name: string) => ({ module: `@splitrock/${name}`, name, options: { password: 'very-secret' } });
const bootstrap: PoolBootstrap = {
  version: 1,
  tenant: 'team-a',
  backend: ref('backend'),
  storage: ref('storage'),
  monitoring: ref('monitoring'),
  slots: { workerProcesses: 1, callsPerProcess: 1, kind: 'process' },
  logLevel: 'warn',
};

function podOf(given: object = {}, plan: Partial<WorkerPodPlan> = {}): ReturnType<typeof workerPod> {
  const options = someOptions(given);
  const size =
    options.sizing.kind === 'fixed'
      ? fixedWorkerSize(options.sizing, options)
      : { requests: { cpu: 7000, memory: 2 ** 30 }, limits: {}, workerProcesses: 7, slots: 14 };
  return workerPod(
    { name: 'pod-0', identity, size, secretName: 'the-secret', place: 'any', madeBy: 'executor-1', ...plan },
    options,
  );
}

/** What "restricted" asks of every pod, beyond what "baseline" forbids. */
function restrictedProblems(pod: ReturnType<typeof workerPod>): readonly string[] {
  const spec = pod.spec ?? { containers: [] };
  const allowed = ['configMap', 'emptyDir', 'persistentVolumeClaim', 'projected', 'secret', 'downwardAPI', 'ephemeral'];
  const security = spec['securityContext'] as Record<string, unknown>;
  const volumes = spec['volumes'] as readonly Record<string, unknown>[];
  return [
    ...(security['runAsNonRoot'] === true ? [] : ['runAsNonRoot']),
    ...(security['runAsUser'] === 0 ? ['runAsUser'] : []),
    ...((security['seccompProfile'] as { type?: string })?.type === 'RuntimeDefault' ? [] : ['seccompProfile']),
    ...spec.containers.flatMap((container) => {
      const own = container['securityContext'] as Record<string, unknown>;
      const drop = (own['capabilities'] as { drop?: readonly string[] }).drop ?? [];
      return [
        ...(own['allowPrivilegeEscalation'] === false ? [] : ['allowPrivilegeEscalation']),
        ...(drop.includes('ALL') ? [] : ['capabilities']),
      ];
    }),
    ...volumes.flatMap((volume) => Object.keys(volume).filter((key) => key !== 'name' && !allowed.includes(key))),
    ...['hostNetwork', 'hostPID', 'hostIPC', 'nodeName'].filter((key) => key in spec),
  ];
}

describe('a worker pod', () => {
  it.each([
    [{}],
    [{ runAsUser: 'cluster' }],
    [{ securityContext: { fsGroup: 5000, supplementalGroups: [6000], seLinuxOptions: { level: 's0:c1,c2' } } }],
    [
      {
        volumes: [
          { mountPath: '/data', claim: 'data' },
          { mountPath: '/scratch', emptyDir: {} },
        ],
      },
    ],
  ])('meets Pod Security "restricted" with %j', (given) => {
    expect(restrictedProblems(podOf(given))).toEqual([]);
  });

  it('has the user’s security context above its own', () => {
    const { spec } = podOf({
      runAsUser: 1234,
      securityContext: {
        fsGroup: 5000,
        fsGroupChangePolicy: 'OnRootMismatch',
        supplementalGroups: [6000],
        seccompProfile: { type: 'Localhost', localhostProfile: 'worker.json' },
        readOnlyRootFilesystem: false,
        addCapabilities: ['SYS_PTRACE'],
      },
    });
    expect(spec).toMatchObject({
      containers: [
        {
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: false,
            capabilities: { drop: ['ALL'], add: ['SYS_PTRACE'] },
          },
        },
      ],
    });
    expect(spec?.['securityContext']).toEqual({
      runAsNonRoot: true,
      runAsUser: 1234,
      runAsGroup: 1234,
      fsGroup: 5000,
      fsGroupChangePolicy: 'OnRootMismatch',
      supplementalGroups: [6000],
      seccompProfile: { type: 'Localhost', localhostProfile: 'worker.json' },
    });
  });

  it('holds no credentials, gets no token, and reads its bootstrap from a file', () => {
    const pod = podOf();
    expect(JSON.stringify(pod)).not.toContain('very-secret');
    expect(pod.spec).toMatchObject({
      automountServiceAccountToken: false,
      volumes: [{ name: 'bootstrap', secret: { secretName: 'the-secret', defaultMode: 0o440 } }, { name: 'tmp' }],
      containers: [
        {
          args: ['--bootstrap', '/etc/splitrock/bootstrap.json'],
          securityContext: { readOnlyRootFilesystem: true },
          volumeMounts: [{ mountPath: '/etc/splitrock', readOnly: true }, { mountPath: '/tmp' }],
        },
      ],
    });
  });

  it('knows its name, its node and its number of processes', () => {
    expect(podOf().spec?.containers[0]?.['env']).toEqual([
      { name: 'SPLITROCK_WORKER_ID', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'SPLITROCK_NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'SPLITROCK_WORKER_PROCESSES', value: '1' },
      { name: 'HOME', value: '/tmp' },
      { name: 'TMPDIR', value: '/tmp' },
    ]);
  });

  it('has the user’s variables as they were written', () => {
    const env = podOf({ env: { HOME: '/data', PATTERN: '$(SPLITROCK_WORKER_ID)' } }).spec?.containers[0]?.['env'];
    expect(env).toContainEqual({ name: 'PATTERN', value: '$$(SPLITROCK_WORKER_ID)' });
    expect(env).toContainEqual({ name: 'HOME', value: '/data' });
    expect(env).not.toContainEqual({ name: 'HOME', value: '/tmp' });
  });

  it('requests and limits apart', () => {
    const pod = podOf({ sizing: { kind: 'fixed', cpu: '1500m', memory: '1.5Gi' }, limits: { cpu: '2' } });
    expect(pod.spec?.containers[0]?.resources).toEqual({
      requests: { cpu: '1500m', memory: '1536Mi' },
      limits: { cpu: '2', memory: '1536Mi' },
    });
  });

  it('is bound to a node by affinity, in each of the user’s alternatives, and never by nodeName', () => {
    const term = (key: string) => ({ matchExpressions: [{ key, operator: 'Exists' }] });
    const affinity = {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term('a'), term('b')] } },
      podAntiAffinity: { anything: 1 },
    };
    const itself = { key: 'kubernetes.io/hostname', operator: 'In', values: ['node-a'] };
    const nodeTerms = (pod: ReturnType<typeof podOf>): unknown =>
      (pod.spec as never)['affinity']['nodeAffinity']['requiredDuringSchedulingIgnoredDuringExecution'][
        'nodeSelectorTerms'
      ];
    expect(nodeTerms(podOf({ sizing: { kind: 'per-node' } }, { hostname: 'node-a' }))).toEqual([
      { matchExpressions: [itself] },
    ]);
    const both = podOf({ affinity }, { hostname: 'node-a' });
    expect(nodeTerms(both)).toEqual([
      { matchExpressions: [...term('a').matchExpressions, itself] },
      { matchExpressions: [...term('b').matchExpressions, itself] },
    ]);
    expect(both.spec).toMatchObject({ affinity: { podAntiAffinity: { anything: 1 } } });
  });

  it('is found by its labels, which the user’s cannot hide', () => {
    const pod = podOf({ labels: { team: 'a', 'app.kubernetes.io/name': 'mine' } });
    expect(pod.metadata?.labels).toEqual({
      team: 'a',
      'app.kubernetes.io/name': 'splitrock',
      'app.kubernetes.io/component': 'worker',
      'app.kubernetes.io/managed-by': 'splitrock',
      'splitrock.dev/tenant': 'team-a',
      'splitrock.dev/pool': 'p1234567890',
      'splitrock.dev/component': 'worker',
    });
    expect(poolSelector(identity, 'worker')).toBe(
      'splitrock.dev/component=worker,splitrock.dev/tenant=team-a,splitrock.dev/pool=p1234567890',
    );
  });
});

describe('the secret of a pool', () => {
  it('is named by what it holds, never changes, and holds the bootstrap', () => {
    const secret = bootstrapSecret(identity, bootstrap);
    expect(secret).toMatchObject({ type: 'Opaque', immutable: true, metadata: { namespace: 'work' } });
    expect(bootstrapSecret(identity, bootstrap).metadata?.name).toBe(secret.metadata?.name);
    expect(bootstrapSecret(identity, { ...bootstrap, logLevel: 'info' }).metadata?.name).not.toBe(
      secret.metadata?.name,
    );
    const text = Buffer.from(secret.data?.['bootstrap.json'] ?? '', 'base64').toString();
    expect(JSON.parse(text)).toEqual(bootstrap);
  });

  it('has a name of at most 63 characters, whatever the tenant', () => {
    const long = { ...identity, tenant: 'a'.repeat(32), pool: 'b'.repeat(24) };
    expect(poolPrefix(long).length).toBeLessThanOrEqual(38);
    expect(bootstrapSecret(long, bootstrap).metadata?.name?.length).toBeLessThanOrEqual(63);
  });
});
