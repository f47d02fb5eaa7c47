import type { V1Container, V1Job, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { failureOf, type FidelityFixture } from './fidelity-fixture.ts';

interface PodCase {
  readonly what: string;
  readonly metadata?: V1Pod['metadata'];
  readonly container?: Partial<V1Container>;
  readonly spec?: Partial<V1PodSpec>;
  readonly causes: readonly string[];
}

const CONTAINER = 'spec.containers[0]';

const INVALID_PODS: readonly PodCase[] = [
  { what: 'a name that is no DNS name', metadata: { name: 'Not_A_Name' }, causes: ['metadata.name FieldValueInvalid'] },
  { what: 'no name', metadata: {}, causes: ['metadata.name FieldValueRequired'] },
  {
    what: 'a label with a space',
    metadata: { name: 'x', labels: { a: 'b c' } },
    causes: ['metadata.labels FieldValueInvalid'],
  },
  {
    what: 'a label key with a space',
    metadata: { name: 'x', labels: { 'a b': 'c' } },
    causes: ['metadata.labels FieldValueInvalid'],
  },
  {
    what: 'a label that is too long',
    metadata: { name: 'x', labels: { a: 'b'.repeat(64) } },
    causes: ['metadata.labels FieldValueInvalid'],
  },
  { what: 'no containers', spec: { containers: [] }, causes: ['spec.containers FieldValueRequired'] },
  {
    what: 'a container name with capitals',
    container: { name: 'Main' },
    causes: [`${CONTAINER}.name FieldValueInvalid`],
  },
  {
    what: 'an unknown restart policy',
    spec: { restartPolicy: 'Sometimes' },
    causes: ['spec.restartPolicy FieldValueNotSupported'],
  },
  {
    what: 'an unknown pull policy',
    container: { imagePullPolicy: 'Often' },
    causes: [`${CONTAINER}.imagePullPolicy FieldValueNotSupported`],
  },
  {
    what: 'a request above its limit',
    container: { resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } },
    causes: [`${CONTAINER}.resources.requests FieldValueInvalid`],
  },
  {
    what: 'a resource that is neither standard nor qualified',
    container: { resources: { requests: { gpus: '1' }, limits: { gpus: '1' } } },
    causes: [
      `${CONTAINER}.resources.limits[gpus] FieldValueInvalid`,
      `${CONTAINER}.resources.requests[gpus] FieldValueInvalid`,
    ],
  },
  {
    what: 'an extended resource without a limit',
    container: { resources: { requests: { 'example.com/gpu': '1' } } },
    causes: [`${CONTAINER}.resources.limits FieldValueRequired`],
  },
  {
    what: 'a mount of a volume that is not there',
    container: { volumeMounts: [{ name: 'nowhere', mountPath: '/x' }] },
    causes: [`${CONTAINER}.volumeMounts[0].name FieldValueNotFound`],
  },
  {
    what: 'a bad variable name',
    container: { env: [{ name: '1 X', value: '' }] },
    causes: [`${CONTAINER}.env[0].name FieldValueInvalid`],
  },
  {
    what: 'a volume name with capitals',
    spec: { volumes: [{ name: 'Data', emptyDir: {} }] },
    causes: ['spec.volumes[0].name FieldValueInvalid'],
  },
  {
    what: 'a toleration with an unknown effect',
    spec: { tolerations: [{ key: 'a', operator: 'Exists', effect: 'Never' }] },
    causes: ['spec.tolerations[0].effect FieldValueNotSupported'],
  },
  {
    what: 'a node selector with a space',
    spec: { nodeSelector: { a: 'b c' } },
    causes: ['spec.nodeSelector FieldValueInvalid'],
  },
];

/** What the API server refuses, and which field it blames. */
export function describeValidation(fixture: () => FidelityFixture): void {
  describe('a pod is refused', () => {
    for (const { what, metadata, container, spec, causes } of INVALID_PODS) {
      it(`for ${what}`, async () => {
        const body = fixture().pod('valid', ':', container, spec);
        if (metadata !== undefined) body.metadata = metadata;
        const failure = await failureOf(fixture().core.createNamespacedPod({ namespace: fixture().namespace, body }));
        expect(failure).toMatchObject({ code: 422, reason: 'Invalid' });
        expect(failure.causes).toEqual(causes);
        expect(failure.message).toContain(
          `Pod "${metadata === undefined ? 'valid' : (metadata.name ?? '')}" is invalid: `,
        );
      });
    }

    it('for a quantity that is none, before anything else is looked at', async () => {
      const resources = { requests: { cpu: 'lots' } };
      const body = fixture().pod('Bad_Name', ':', { resources });
      const failure = await failureOf(fixture().core.createNamespacedPod({ namespace: fixture().namespace, body }));
      expect(failure).toMatchObject({ code: 400, reason: 'BadRequest' });
      expect(failure.message).toContain('quantities must match the regular expression');
    });

    it('for a service account that is not there', async () => {
      const body = fixture().pod('accountless', ':', {}, { serviceAccountName: 'nobody' });
      const failure = await failureOf(fixture().core.createNamespacedPod({ namespace: fixture().namespace, body }));
      expect(failure).toMatchObject({ code: 403, reason: 'Forbidden' });
      expect(failure.message).toContain(
        `pods "accountless" is forbidden: error looking up service account ${fixture().namespace}/nobody: serviceaccount "nobody" not found`,
      );
    });

    it('for a priority class that is not there', async () => {
      const body = fixture().pod('classless', ':', {}, { priorityClassName: 'nothing' });
      const failure = await failureOf(fixture().core.createNamespacedPod({ namespace: fixture().namespace, body }));
      expect(failure).toMatchObject({
        code: 403,
        reason: 'Forbidden',
        message: 'pods "classless" is forbidden: no PriorityClass with name nothing was found',
      });
    });

    it('for a change of what cannot change', async () => {
      const { core, namespace } = fixture();
      const pod = fixture().pod(fixture().name('fixed'), ':', {}, { nodeSelector: { nowhere: 'true' } });
      await core.createNamespacedPod({ namespace, body: pod });
      // Once the scheduler has had its say nobody else writes the pod.
      const created = await fixture().podWith(pod.metadata?.name ?? '', 'unschedulable', ({ status }) =>
        (status?.conditions ?? []).some(({ reason }) => reason === 'Unschedulable'),
      );
      if (created.spec !== undefined) created.spec.nodeSelector = { elsewhere: 'true' };
      const change = core.replaceNamespacedPod({ namespace, name: created.metadata?.name ?? '', body: created });
      expect(await failureOf(change)).toMatchObject({
        code: 422,
        reason: 'Invalid',
        causes: ['spec FieldValueForbidden'],
      });
    });
  });

  describe('a job is refused', () => {
    const refusal = async (spec: (spec: V1Job['spec'] & object) => void): Promise<readonly string[]> => {
      const template = { spec: fixture().pod('x', ':').spec as V1PodSpec };
      const job = { metadata: { name: 'refused' }, spec: { template } };
      spec(job.spec);
      const failure = await failureOf(
        fixture().batch.createNamespacedJob({ namespace: fixture().namespace, body: job }),
      );
      expect(failure).toMatchObject({ code: 422, reason: 'Invalid' });
      return failure.causes;
    };

    it('for pods that are restarted for ever', async () => {
      const causes = await refusal(({ template }) => {
        if (template.spec !== undefined) template.spec.restartPolicy = 'Always';
      });
      expect(causes).toEqual(['spec.template.spec.restartPolicy FieldValueRequired']);
    });

    it('for a negative parallelism', async () => {
      const causes = await refusal((spec) => {
        spec.parallelism = -1;
      });
      expect(causes).toEqual(['spec.parallelism FieldValueInvalid']);
    });
  });

  describe('a secret is refused', () => {
    it('for a key that is no file name', async () => {
      const body = { metadata: { name: 'bad-key' }, stringData: { 'a/b': '' } };
      const failure = await failureOf(fixture().core.createNamespacedSecret({ namespace: fixture().namespace, body }));
      expect(failure).toMatchObject({ code: 422, causes: ['data[a/b] FieldValueInvalid'] });
    });
  });
}
