import { PatchStrategy, setHeaderOptions, type V1ObjectMeta } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { failureOf, orUndefined, type FidelityFixture } from './fidelity-fixture.ts';

/** What holds for objects of every kind, tried with the simplest of them. */
export function describeObjects(fixture: () => FidelityFixture): void {
  /** Makes a config map; without more it holds `{ a: '1' }`. */
  async function create(
    metadata: V1ObjectMeta = {},
    data: Record<string, string> = { a: '1' },
  ): Promise<{ name: string; metadata: V1ObjectMeta }> {
    const { core, namespace } = fixture();
    metadata.name ??= fixture().name('object');
    const created = await core.createNamespacedConfigMap({ namespace, body: { data, metadata } });
    return { name: metadata.name, metadata: created.metadata ?? {} };
  }

  describe('objects', () => {
    it('come with a uid, a version and the time of their creation', async () => {
      const { metadata } = await create();
      expect(metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(Number(metadata?.resourceVersion)).toBeGreaterThan(0);
      expect(Math.abs(Date.now() - (metadata?.creationTimestamp?.getTime() ?? 0))).toBeLessThan(3_600_000);
    });

    it('are found by their name, and refused under a name that is taken', async () => {
      const { core, namespace } = fixture();
      const { name } = await create();
      expect((await core.readNamespacedConfigMap({ namespace, name })).data).toEqual({ a: '1' });
      expect(await failureOf(create({ name }))).toMatchObject({
        code: 409,
        reason: 'AlreadyExists',
        message: `configmaps "${name}" already exists`,
      });
      expect(await failureOf(core.readNamespacedConfigMap({ namespace, name: 'nowhere' }))).toMatchObject({
        code: 404,
        reason: 'NotFound',
        message: 'configmaps "nowhere" not found',
      });
    });

    it('get a name where only its beginning is given', async () => {
      const { core, namespace } = fixture();
      const body = { metadata: { generateName: 'generated-' } };
      const { metadata } = await core.createNamespacedConfigMap({ namespace, body });
      expect(metadata?.name).toMatch(/^generated-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    });

    it('are refused in a namespace that is not there', async () => {
      const body = { metadata: { name: 'lost' } };
      expect(await failureOf(fixture().core.createNamespacedConfigMap({ namespace: 'nowhere', body }))).toMatchObject({
        code: 404,
        message: 'namespaces "nowhere" not found',
      });
      expect((await fixture().core.listNamespacedConfigMap({ namespace: 'nowhere' })).items).toEqual([]);
    });

    it('are replaced only under the version that was read', async () => {
      const { core, namespace } = fixture();
      const { name, metadata } = await create();
      const changed = await core.replaceNamespacedConfigMap({ namespace, name, body: { metadata, data: { a: '2' } } });
      expect(changed.metadata?.resourceVersion).not.toBe(metadata?.resourceVersion);
      const stale = core.replaceNamespacedConfigMap({ namespace, name, body: { metadata, data: { a: '3' } } });
      expect(await failureOf(stale)).toMatchObject({
        code: 409,
        reason: 'Conflict',
        message: `Operation cannot be fulfilled on configmaps "${name}": the object has been modified; please apply your changes to the latest version and try again`,
      });
      const blind = await core.replaceNamespacedConfigMap({ namespace, name, body: { metadata: { name }, data: {} } });
      expect(blind.data ?? {}).toEqual({});
    });

    it('keep their version when a write changes nothing', async () => {
      const { core, namespace } = fixture();
      const { name, metadata } = await create();
      const same = await core.replaceNamespacedConfigMap({
        namespace,
        name,
        body: { metadata: { name }, data: { a: '1' } },
      });
      expect(same.metadata?.resourceVersion).toBe(metadata?.resourceVersion);
    });

    it('are patched in each of the three ways', async () => {
      const { core, namespace } = fixture();
      const { name } = await create({}, { a: '1', b: '2' });
      const target = { namespace, name };
      const by = (strategy: PatchStrategy) => setHeaderOptions('Content-Type', strategy);
      const merge = { metadata: { labels: { patched: 'yes' } }, data: { a: null, c: '3' } };
      const merged = await core.patchNamespacedConfigMap({ ...target, body: merge }, by(PatchStrategy.MergePatch));
      expect([merged.data, merged.metadata?.labels]).toEqual([{ b: '2', c: '3' }, { patched: 'yes' }]);
      const operations = [
        { op: 'replace', path: '/data/b', value: '4' },
        { op: 'remove', path: '/data/c' },
      ];
      const operated = await core.patchNamespacedConfigMap(
        { ...target, body: operations },
        by(PatchStrategy.JsonPatch),
      );
      expect(operated.data).toEqual({ b: '4' });
      const strategic = { data: { d: '5' } };
      const strategically = await core.patchNamespacedConfigMap(
        { ...target, body: strategic },
        by(PatchStrategy.StrategicMergePatch),
      );
      expect(strategically.data).toEqual({ b: '4', d: '5' });
      const stale = { metadata: { resourceVersion: merged.metadata?.resourceVersion }, data: { d: '6' } };
      expect(
        await failureOf(core.patchNamespacedConfigMap({ ...target, body: stale }, by(PatchStrategy.MergePatch))),
      ).toMatchObject({ code: 409, reason: 'Conflict' });
    });

    it('are selected by labels and by fields', async () => {
      const { core, namespace } = fixture();
      const first = await create({ labels: { colour: 'red', size: 's' } });
      const second = await create({ labels: { colour: 'blue' } });
      const third = await create({ labels: { colour: 'green', size: 'm' } });
      const select = async (labelSelector: string): Promise<(string | undefined)[]> => {
        const { items } = await core.listNamespacedConfigMap({ namespace, labelSelector });
        return items.map(({ metadata }) => metadata?.name);
      };
      expect(await select('colour=red')).toEqual([first.name]);
      expect(await select('colour,colour!=red')).toEqual([second.name, third.name]);
      expect(await select('colour in (red, blue)')).toEqual([first.name, second.name]);
      expect(await select('colour notin (red),size')).toEqual([third.name]);
      expect(await select('colour,!size')).toEqual([second.name]);
      const byField = await core.listNamespacedConfigMap({ namespace, fieldSelector: `metadata.name=${second.name}` });
      expect(byField.items.map(({ metadata }) => metadata?.name)).toEqual([second.name]);
      const unsupported = await failureOf(core.listNamespacedPod({ namespace, fieldSelector: 'spec.containers=x' }));
      expect(unsupported).toMatchObject({ code: 400, reason: 'BadRequest' });
      expect(unsupported.message).toContain('field label not supported: spec.containers');
    });

    it('are listed in pieces that show one moment', async () => {
      const { core, namespace } = fixture();
      const labels = { paged: 'yes' };
      const names: string[] = [];
      for (let count = 0; count < 5; count += 1) names.push((await create({ labels })).name);
      const page = { namespace, labelSelector: 'paged=yes', limit: 2 };
      const first = await core.listNamespacedConfigMap(page);
      await core.deleteNamespacedConfigMap({ namespace, name: names[4] ?? '' });
      await create({ labels });
      const seen = [...first.items];
      let next = first.metadata?._continue;
      while (next !== undefined && next !== '') {
        const list = await core.listNamespacedConfigMap({ ...page, _continue: next });
        expect(list.metadata?.resourceVersion).toBe(first.metadata?.resourceVersion);
        seen.push(...list.items);
        next = list.metadata?._continue;
      }
      expect(seen.map(({ metadata }) => metadata?.name)).toEqual(names.toSorted());
      expect(await failureOf(core.listNamespacedConfigMap({ ...page, _continue: 'nonsense' }))).toMatchObject({
        code: 400,
      });
    });

    it('are only tried with a dry run', async () => {
      const { core, namespace } = fixture();
      const body = { metadata: { name: 'tried' } };
      await core.createNamespacedConfigMap({ namespace, body, dryRun: 'All' });
      expect(await orUndefined(core.readNamespacedConfigMap({ namespace, name: 'tried' }))).toBeUndefined();
    });

    it('are deleted at once, under their conditions, and one by one or by selector', async () => {
      const { core, namespace } = fixture();
      const { name } = await create();
      const body = { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } };
      expect(await failureOf(core.deleteNamespacedConfigMap({ namespace, name, body }))).toMatchObject({
        code: 409,
        reason: 'Conflict',
      });
      const status = await core.deleteNamespacedConfigMap({ namespace, name });
      expect(status).toMatchObject({ status: 'Success', details: { name, kind: 'configmaps' } });
      const labels = { batch: 'gone' };
      const [one, two] = [await create({ labels }), await create({ labels })];
      await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'batch=gone' });
      for (const gone of [name, one.name, two.name]) {
        expect(await orUndefined(core.readNamespacedConfigMap({ namespace, name: gone }))).toBeUndefined();
      }
    });

    it('with a finalizer stay until it is taken off', async () => {
      const { core, namespace } = fixture();
      const { name } = await create({ finalizers: ['example.com/hold'] });
      await core.deleteNamespacedConfigMap({ namespace, name });
      const held = await core.readNamespacedConfigMap({ namespace, name });
      expect(held.metadata?.deletionTimestamp).toBeInstanceOf(Date);
      await core.replaceNamespacedConfigMap({ namespace, name, body: { metadata: { name, finalizers: [] } } });
      expect(await orUndefined(core.readNamespacedConfigMap({ namespace, name }))).toBeUndefined();
    });

    it('go when their owner does', async () => {
      const { core, namespace } = fixture();
      const { metadata } = await create();
      const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: metadata?.name ?? '', uid: metadata?.uid ?? '' };
      const { name } = await create({ ownerReferences: [owner] });
      await core.deleteNamespacedConfigMap({ namespace, name: owner.name });
      await fixture().until('the end of the dependent', async () => {
        const left = await orUndefined(core.readNamespacedConfigMap({ namespace, name }));
        return left === undefined ? true : undefined;
      });
    });
  });

  describe('leases', () => {
    it('are taken by one of two who try at once', async () => {
      const { coordination, namespace } = fixture();
      const body = { metadata: { name: 'leader' }, spec: { leaseDurationSeconds: 15 } };
      const { metadata = {} } = await coordination.createNamespacedLease({ namespace, body });
      const take = (holderIdentity: string): Promise<unknown> =>
        coordination.replaceNamespacedLease({
          namespace,
          name: 'leader',
          body: { metadata, spec: { holderIdentity } },
        });
      const outcomes = await Promise.allSettled([take('one'), take('other')]);
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    });
  });

  describe('secrets', () => {
    it('are written as text and read as base64', async () => {
      const { core, namespace } = fixture();
      const body = { metadata: { name: 'text' }, stringData: { key: 'väl' } };
      const secret = await core.createNamespacedSecret({ namespace, body });
      expect(secret).toMatchObject({ type: 'Opaque', data: { key: Buffer.from('väl').toString('base64') } });
      expect(secret.stringData).toBeUndefined();
    });
  });

  describe('access reviews', () => {
    it('say what one may do', async () => {
      const { authorization, namespace } = fixture();
      const body = { spec: { resourceAttributes: { verb: 'create', resource: 'pods', namespace } } };
      const { status } = await authorization.createSelfSubjectAccessReview({ body });
      expect(status?.allowed).toBe(true);
    });
  });
}
