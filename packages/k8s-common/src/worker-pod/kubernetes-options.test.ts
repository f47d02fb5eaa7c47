import { describe, expect, it } from 'vitest';
import { kubernetesOptionsSchema } from './kubernetes-options.ts';

const problems = (given: object): readonly string[] => {
  const parsed = kubernetesOptionsSchema.safeParse({ image: 'worker:1', ...given });
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};

describe('the options of Kubernetes backends', () => {
  it('need an image and nothing else', () => {
    expect(kubernetesOptionsSchema.parse({ image: 'worker:1' })).toMatchObject({
      sizing: { kind: 'fixed', cpu: '1', memory: '1Gi' },
      limits: { cpu: 'none', memory: 'request' },
      slots: { callsPerProcess: 1, kind: 'process' },
      minWorkers: 0,
      maxWorkers: 100,
      idleTimeoutSeconds: 300,
      runAsUser: 10_001,
      securityContext: { readOnlyRootFilesystem: true, addCapabilities: [] },
    });
    expect(kubernetesOptionsSchema.safeParse({}).success).toBe(false);
  });

  it('stay what they are when they are parsed again, as a worker does', () => {
    const options = kubernetesOptionsSchema.parse({ image: 'worker:1', sizing: { kind: 'fixed', cpu: 0.5 } });
    expect(kubernetesOptionsSchema.parse(JSON.parse(JSON.stringify(options)))).toEqual(options);
  });

  it.each<[object, readonly string[]]>([
    [{ sizing: { kind: 'fixed', cpu: '0.5', memory: '1.5Gi' } }, []],
    [{ sizing: { kind: 'per-node', memoryPerProcess: '2Gi' }, limits: { cpu: 'request' } }, []],
    [{ tolerations: [{ operator: 'Exists' }] }, []],
    [{ volumes: [{ mountPath: '/data', claim: 'data' }] }, []],
    [{ securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'worker.json' } } }, []],
    [
      { securityContext: { seccompProfile: { type: 'Localhost' }, addCapabilities: ['CAP_SYS_PTRACE', 'all'] } },
      [
        'securityContext.seccompProfile.localhostProfile: goes with `type: Localhost`, which needs it',
        'securityContext.addCapabilities.0: must be a Linux capability without CAP_, such as SYS_PTRACE',
        'securityContext.addCapabilities.1: must be a Linux capability without CAP_, such as SYS_PTRACE',
      ],
    ],
    [{ imag: 'x' }, [': Unrecognized key: "imag"']],
    [{ sizing: { kind: 'fixed', cpu: '1G1' } }, ['sizing.cpu: must be a quantity above 0, such as 500m or 2Gi']],
    [{ sizing: { kind: 'fixed', cpu: '0.0001' } }, ['sizing.cpu: must be a multiple of 1m']],
    [
      { sizing: { kind: 'fixed', memory: '512' } },
      ['sizing.memory: must be at least 4Mi; without a suffix it is in bytes'],
    ],
    [{ minWorkers: 3, maxWorkers: 2 }, ['minWorkers: must be at most maxWorkers (2), got 3']],
    [
      { labels: { 'splitrock.dev/pool': 'mine' } },
      ['labels.splitrock.dev/pool: keys that begin with splitrock.dev/ are set by Splitrock'],
    ],
    [
      { env: { SPLITROCK_WORKER_ID: 'x' } },
      ['env.SPLITROCK_WORKER_ID: names that begin with SPLITROCK_ are set by Splitrock'],
    ],
    [
      { extendedResources: { gpu: 1 } },
      ['extendedResources.gpu: must be a resource’s full name, such as nvidia.com/gpu'],
    ],
    [{ limits: { cpu: '500m' } }, ['limits.cpu: must be at least sizing.cpu (1)']],
    [
      { sizing: { kind: 'per-node' }, limits: { memory: '1Gi' } },
      ['limits.memory: must be none or request where workers differ in size'],
    ],
    [
      { sizing: { kind: 'per-node' }, slots: { workerProcesses: 2 } },
      ['slots.workerProcesses: follows from the node; use sizing.maxProcesses'],
    ],
    [{ tolerations: [{ value: 'x' }] }, ['tolerations.0.operator: without a key needs `operator: Exists`']],
    [
      { volumes: [{ mountPath: '/data', claim: 'a', secret: 'b' }] },
      ['volumes.0: give exactly one of claim, configMap, secret, emptyDir'],
    ],
    [{ volumes: [{ mountPath: '/tmp', emptyDir: {} }] }, ['volumes.0.mountPath: is mounted already']],
  ])('%j', (given, expected) => {
    expect(problems(given)).toEqual(expected);
  });
});
