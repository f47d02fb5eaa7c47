import type { V1ContainerState, V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { failureOf, type FidelityFixture } from './fidelity-fixture.ts';
import type { KubernetesCapabilities } from './fidelity-target.ts';

const stateOf = (pod: V1Pod): V1ContainerState => pod.status?.containerStatuses?.[0]?.state ?? {};
const waitingFor = (pod: V1Pod): string => stateOf(pod).waiting?.reason ?? '';

/** Releases word it differently. */
const NO_MATCHING_NODE = /^0\/\d+ nodes are available: .*\d+ node\(s\) didn't match (Pod's )?node (affinity|selector)/;

/** Why pods do not run, in the words that users search for. */
export function describePodTrouble(fixture: () => FidelityFixture, capabilities: KubernetesCapabilities): void {
  const create = async (pod: V1Pod): Promise<string> => {
    await fixture().core.createNamespacedPod({ namespace: fixture().namespace, body: pod });
    return pod.metadata?.name ?? '';
  };
  const remove = (name: string): Promise<unknown> =>
    fixture().core.deleteNamespacedPod({ namespace: fixture().namespace, name, gracePeriodSeconds: 0 });

  describe('a pod that cannot be scheduled', () => {
    const unschedulable = async (container: object, spec: object): Promise<string> => {
      const name = await create(fixture().pod(fixture().name('unschedulable'), ':', container, spec));
      const pod = await fixture().podWith(name, 'unschedulable', ({ status }) =>
        (status?.conditions ?? []).some(({ reason }) => reason === 'Unschedulable'),
      );
      const condition = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
      expect(condition).toMatchObject({ status: 'False', reason: 'Unschedulable' });
      expect(pod.status?.phase).toBe('Pending');
      expect(await fixture().eventOf(name, 'FailedScheduling')).toBe(condition?.message);
      await remove(name);
      return condition?.message ?? '';
    };

    it('asks for more than any node has', async () => {
      const resources = { requests: { cpu: '1000', memory: '1000Ti' } };
      const message = await unschedulable({ resources }, {});
      const [, nodes] = /^0\/(\d+) nodes are available: /.exec(message) ?? [];
      expect(message).toContain(`${nodes} Insufficient cpu`);
      expect(message).toContain(`${nodes} Insufficient memory`);
    });

    it('selects nodes that are not there', async () => {
      const message = await unschedulable({}, { nodeSelector: { 'example.com/nowhere': 'true' } });
      expect(message).toMatch(NO_MATCHING_NODE);
    });

    it('wants nodes by an expression that none matches', async () => {
      const matchExpressions = [{ key: 'kubernetes.io/hostname', operator: 'NotIn', values: await nodeNames() }];
      const nodeSelectorTerms = [{ matchExpressions }];
      const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
      const message = await unschedulable({}, { affinity: { nodeAffinity } });
      expect(message).toMatch(NO_MATCHING_NODE);
    });
  });

  const nodeNames = async (): Promise<string[]> => {
    const { items } = await fixture().core.listNode();
    return items.map(({ metadata }) => metadata?.labels?.['kubernetes.io/hostname'] ?? '');
  };

  it('a pod goes to the node that its affinity names', async () => {
    const node = (await nodeNames()).at(-1) ?? '';
    const matchExpressions = [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }];
    const required = { nodeSelectorTerms: [{ matchExpressions }] };
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
    const pod = await fixture().runPod(fixture().pod(fixture().name('placed'), ':', {}, { affinity }), 'Succeeded');
    expect(pod.spec?.nodeName).toBe(node);
  });

  describe('a container that cannot start', () => {
    it('has an image that no node has and none may pull', async () => {
      const container = { image: 'localhost/nowhere:1', imagePullPolicy: 'Never' };
      const name = await create(fixture().pod(fixture().name('trouble'), ':', container));
      const pod = await fixture().podWith(
        name,
        'without its image',
        (read) => waitingFor(read) === 'ErrImageNeverPull',
      );
      expect(stateOf(pod).waiting?.message).toBe(
        'Container image "localhost/nowhere:1" is not present with pull policy of Never',
      );
      expect(pod.status?.phase).toBe('Pending');
      const log = await failureOf(fixture().logOf(name));
      expect(log).toMatchObject({ code: 400, reason: 'BadRequest' });
      expect(log.message).toContain(`container "main" in pod "${name}" is waiting to start: `);
      await remove(name);
    });

    it('has an image that cannot be pulled', async () => {
      const image = '127.0.0.1:1/nowhere:1';
      const name = await create(fixture().pod(fixture().name('trouble'), ':', { image }));
      const pulling = (read: V1Pod): boolean => ['ErrImagePull', 'ImagePullBackOff'].includes(waitingFor(read));
      expect((await fixture().podWith(name, 'without its image', pulling)).status?.phase).toBe('Pending');
      const backOff = await fixture().podWith(name, 'held back', (read) => waitingFor(read) === 'ImagePullBackOff');
      expect(stateOf(backOff).waiting?.message).toContain(`Back-off pulling image "${image}"`);
      expect(await fixture().eventOf(name, 'Failed')).toMatch(/Failed to pull image|ErrImagePull|ImagePullBackOff/);
      await remove(name);
    });

    it('names an image that is no image name', async () => {
      const name = await create(fixture().pod(fixture().name('trouble'), ':', { image: 'UPPER:1' }));
      const pod = await fixture().podWith(name, 'without its image', (read) => waitingFor(read) === 'InvalidImageName');
      expect(stateOf(pod).waiting?.message).toContain('invalid reference format');
      await remove(name);
    });

    it('refers to a secret that is not there, and starts when it is', async () => {
      const { core, namespace } = fixture();
      const secret = fixture().name('late');
      const env = [{ name: 'X', valueFrom: { secretKeyRef: { name: secret, key: 'x' } } }];
      const name = await create(fixture().pod(fixture().name('trouble'), 'echo $X', { env }));
      const waits = (read: V1Pod): boolean => waitingFor(read) === 'CreateContainerConfigError';
      expect(stateOf(await fixture().podWith(name, 'waiting', waits)).waiting?.message).toBe(
        `secret "${secret}" not found`,
      );
      await core.createNamespacedSecret({
        namespace,
        body: { metadata: { name: secret }, stringData: { x: 'there' } },
      });
      await fixture().podIn(name, 'Succeeded');
      expect(await fixture().logOf(name)).toBe('there\n');
    });

    it('mounts a secret that is not there', async () => {
      const volumes = [{ name: 'missing', secret: { secretName: 'never-made' } }];
      const volumeMounts = [{ name: 'missing', mountPath: '/missing' }];
      const name = await create(fixture().pod(fixture().name('trouble'), ':', { volumeMounts }, { volumes }));
      const message = await fixture().eventOf(name, 'FailedMount');
      expect(message).toContain('MountVolume.SetUp failed for volume "missing" : secret "never-made" not found');
      expect(waitingFor(await fixture().readPod(name))).toBe('ContainerCreating');
      await remove(name);
    });

    it('runs a program that the image has not', async () => {
      const { image } = fixture().shell;
      const container = { image, command: ['/nowhere/program'] };
      const pod = await fixture().runPod(fixture().pod(fixture().name('trouble'), ':', container), 'Failed');
      const terminated = stateOf(pod).terminated;
      expect(terminated?.reason).toMatch(/StartError|ContainerCannotRun/);
      expect(terminated?.exitCode).toBe(128);
      expect(terminated?.message).toContain('/nowhere/program');
    });
  });

  it('a pod that runs longer than it may is failed', async () => {
    const pod = fixture().pod(
      fixture().name('late'),
      `${fixture().shell.sleep} 1000`,
      {},
      { activeDeadlineSeconds: 1 },
    );
    const failed = await fixture().runPod(pod, 'Failed');
    expect(failed.status).toMatchObject({ reason: 'DeadlineExceeded' });
  });

  describe.runIf(capabilities.podSecurity)('a namespace with the level "restricted"', () => {
    const LABELS = { 'pod-security.kubernetes.io/enforce': 'restricted' };

    it('takes only pods that give everything up', async () => {
      const namespace = await fixture().createNamespace(fixture().name(`${fixture().namespace}-restricted`), LABELS);
      const create = (body: V1Pod): Promise<V1Pod> =>
        fixture().core.createNamespacedPod({ namespace, body, dryRun: 'All' });
      const refused = await failureOf(create(fixture().pod('careless', ':')));
      expect(refused).toMatchObject({ code: 403, reason: 'Forbidden' });
      expect(refused.message).toContain(
        'pods "careless" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
      );
      const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
      const podContext = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };
      const careful = fixture().pod('careful', ':', { securityContext }, { securityContext: podContext });
      expect((await create(careful)).metadata?.name).toBe('careful');
      await fixture().deleteNamespace(namespace);
    });
  });
}
