import type { V1Job, V1JobSpec, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { orUndefined, type FidelityFixture } from './fidelity-fixture.ts';
import type { KubernetesCapabilities } from './fidelity-target.ts';

export function describeJobs(fixture: () => FidelityFixture, capabilities: KubernetesCapabilities): void {
  const create = async (script: string, spec: Partial<V1JobSpec> = {}): Promise<V1Job> => {
    const template = { spec: fixture().pod('x', script).spec as V1PodSpec };
    const body = { metadata: { name: fixture().name('job') }, spec: { template, ...spec } };
    return fixture().batch.createNamespacedJob({ namespace: fixture().namespace, body });
  };
  const nameOf = (job: V1Job): string => job.metadata?.name ?? '';
  const read = (job: V1Job): Promise<V1Job> =>
    fixture().batch.readNamespacedJob({ namespace: fixture().namespace, name: nameOf(job) });
  const jobWith = (job: V1Job, what: string, holds: (job: V1Job) => boolean): Promise<V1Job> =>
    fixture().until(`job ${nameOf(job)} ${what}`, async () => {
      const now = await read(job);
      return holds(now) ? now : undefined;
    });
  const ended = (job: V1Job, how: 'Complete' | 'Failed'): Promise<V1Job> =>
    jobWith(job, how, ({ status }) =>
      (status?.conditions ?? []).some(({ type, status: value }) => type === how && value === 'True'),
    );
  const podsOf = async (job: V1Job): Promise<V1Pod[]> => {
    const labelSelector = `job-name=${nameOf(job)}`;
    return (await fixture().core.listNamespacedPod({ namespace: fixture().namespace, labelSelector })).items;
  };
  const noPods = (job: V1Job): Promise<unknown> =>
    fixture().until(`the end of the pods of ${nameOf(job)}`, async () =>
      (await podsOf(job)).length === 0 ? true : undefined,
    );

  describe('a job', () => {
    it('runs as many pods as it wants completions', async () => {
      const job = await create(':', { completions: 3, parallelism: 2 });
      expect(job.spec).toMatchObject({ backoffLimit: 6, completions: 3, parallelism: 2 });
      const { status } = await ended(job, 'Complete');
      expect(status).toMatchObject({ succeeded: 3 });
      expect(status?.active ?? 0).toBe(0);
      expect(status?.completionTime).toBeInstanceOf(Date);
      const pods = await podsOf(job);
      expect(pods).toHaveLength(3);
      const [owner] = pods[0]?.metadata?.ownerReferences ?? [];
      expect(owner).toMatchObject({ kind: 'Job', name: nameOf(job), uid: job.metadata?.uid, controller: true });
      expect(pods[0]?.metadata?.name).toMatch(new RegExp(`^${nameOf(job)}-[a-z0-9]{5}$`));
      expect(await fixture().eventOf(nameOf(job), 'SuccessfulCreate')).toMatch(/^Created pod: /);
    });

    it('fails when too many of its pods did', async () => {
      const job = await create('exit 1', { backoffLimit: 0 });
      const { status } = await ended(job, 'Failed');
      const condition = status?.conditions?.find(({ type }) => type === 'Failed');
      expect(condition).toMatchObject({
        reason: 'BackoffLimitExceeded',
        message: 'Job has reached the specified backoff limit',
      });
      expect(status).toMatchObject({ failed: 1 });
    });

    it('fails when it takes too long, and its pods end', async () => {
      const job = await create(`${fixture().shell.sleep} 1000`, { activeDeadlineSeconds: 1 });
      const { status } = await ended(job, 'Failed');
      expect(status?.conditions?.find(({ type }) => type === 'Failed')).toMatchObject({ reason: 'DeadlineExceeded' });
    });

    it('replaces a pod that is deleted', async () => {
      const job = await create(`${fixture().shell.sleep} 1000`);
      await jobWith(job, 'active', ({ status }) => status?.active === 1);
      const [first] = await podsOf(job);
      const name = first?.metadata?.name ?? '';
      await fixture().core.deleteNamespacedPod({ namespace: fixture().namespace, name, gracePeriodSeconds: 0 });
      await fixture().until('another pod', async () =>
        (await podsOf(job)).some(({ metadata }) => metadata?.uid !== first?.metadata?.uid) ? true : undefined,
      );
      const body = { propagationPolicy: 'Background', gracePeriodSeconds: 0 };
      await fixture().batch.deleteNamespacedJob({ namespace: fixture().namespace, name: nameOf(job), body });
    });

    it('takes its pods along when it is deleted in the background or the foreground', async () => {
      for (const propagationPolicy of ['Background', 'Foreground']) {
        const job = await create(':');
        await ended(job, 'Complete');
        const { namespace, batch } = fixture();
        await batch.deleteNamespacedJob({ namespace, name: nameOf(job), propagationPolicy });
        await noPods(job);
        await fixture().until('the end of the job', async () => ((await orUndefined(read(job))) ? undefined : true));
      }
    });

    it('leaves its pods behind when nobody says otherwise', async () => {
      const job = await create(':');
      await ended(job, 'Complete');
      await fixture().batch.deleteNamespacedJob({ namespace: fixture().namespace, name: nameOf(job) });
      await fixture().until('the end of the job', async () => ((await orUndefined(read(job))) ? undefined : true));
      const pods = await fixture().until('pods without an owner', async () => {
        const left = await podsOf(job);
        return left.every(({ metadata }) => metadata?.ownerReferences === undefined) ? left : undefined;
      });
      expect(pods).toHaveLength(1);
    });

    it('goes by itself when its time to live is over', async () => {
      const job = await create(':', { ttlSecondsAfterFinished: 0 });
      await fixture().until('the end of the job', async () => ((await orUndefined(read(job))) ? undefined : true));
      await noPods(job);
    });

    it.runIf(capabilities.indexedJobs)('that is indexed gives each pod its number', async () => {
      const script = 'echo $JOB_COMPLETION_INDEX';
      const job = await create(script, { completions: 3, parallelism: 3, completionMode: 'Indexed' });
      const { status } = await ended(job, 'Complete');
      expect(status?.completedIndexes).toBe('0-2');
      const logs = await Promise.all((await podsOf(job)).map(({ metadata }) => fixture().logOf(metadata?.name ?? '')));
      expect(logs.toSorted()).toEqual(['0\n', '1\n', '2\n']);
    });
  });
}
