import type { V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failureOf, type FidelityFixture } from './fidelity-fixture.ts';

export function describeQuotas(fixture: () => FidelityFixture): void {
  describe('a resource quota', () => {
    let namespace: string;

    beforeEach(async () => {
      namespace = await fixture().createNamespace(fixture().name(`${fixture().namespace}-quota`));
      const body = { metadata: { name: 'compute' }, spec: { hard: { 'requests.cpu': '300m', pods: '2' } } };
      await fixture().core.createNamespacedResourceQuota({ namespace, body });
      // Until its use is counted, a quota refuses everything.
      await used((amounts) => amounts['pods'] === '0');
    });

    afterEach(async () => {
      await fixture().deleteNamespace(namespace);
    });

    const used = async (holds: (amounts: Record<string, string>) => boolean): Promise<Record<string, string>> =>
      fixture().until('the use of the quota', async () => {
        const { status } = await fixture().core.readNamespacedResourceQuota({ namespace, name: 'compute' });
        const amounts = status?.used ?? {};
        return holds(amounts) ? amounts : undefined;
      });

    const create = (name: string, cpu?: string): Promise<V1Pod> => {
      const resources = cpu === undefined ? {} : { resources: { requests: { cpu } } };
      const body = fixture().pod(name, `${fixture().shell.sleep} 1000`, resources);
      return fixture().core.createNamespacedPod({ namespace, body });
    };

    it('refuses what goes beyond it, tells what is used, and has room again when a pod is gone', async () => {
      await create('first', '200m');
      expect(await used((amounts) => amounts['pods'] === '1')).toEqual({ 'requests.cpu': '200m', pods: '1' });
      expect(await failureOf(create('second', '200m'))).toMatchObject({
        code: 403,
        reason: 'Forbidden',
        message:
          'pods "second" is forbidden: exceeded quota: compute, requested: requests.cpu=200m, used: requests.cpu=200m, limited: requests.cpu=300m',
      });
      await create('second', '50m');
      expect((await failureOf(create('third', '10m'))).message).toContain(
        'requested: pods=1, used: pods=2, limited: pods=2',
      );
      await fixture().core.deleteNamespacedPod({ namespace, name: 'first', gracePeriodSeconds: 0 });
      await used((amounts) => amounts['pods'] === '1');
      await create('third', '200m');
    });

    it('wants every pod to say how much it asks for', async () => {
      const { message } = await failureOf(create('silent'));
      expect(message).toMatch(/^pods "silent" is forbidden: failed quota: compute: must specify requests\.cpu/);
    });
  });
}
