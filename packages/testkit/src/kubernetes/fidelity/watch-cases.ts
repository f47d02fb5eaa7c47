import { setImmediate as nextTurn } from 'node:timers/promises';
import { Watch } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import type { FidelityFixture } from './fidelity-fixture.ts';
import type { KubernetesCapabilities } from './fidelity-target.ts';

interface SeenObject {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly metadata?: { readonly name?: string; readonly resourceVersion?: string };
  readonly data?: Record<string, string>;
}

/** An open watch and what it has told. */
interface Watching {
  readonly events: readonly { readonly type: string; readonly object: SeenObject }[];
  /** `ADDED name`. */
  readonly told: readonly string[];
  readonly ended: boolean;
  stop(): void;
}

export function describeWatches(fixture: () => FidelityFixture, capabilities: KubernetesCapabilities): void {
  async function watch(query: Record<string, string>): Promise<Watching> {
    const { config, namespace } = fixture();
    const events: { type: string; object: SeenObject }[] = [];
    let ended = false;
    const controller = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      query,
      (type, object: SeenObject) => events.push({ type, object }),
      () => {
        ended = true;
      },
    );
    return {
      events,
      get told() {
        return events.map(({ type, object }) => `${type} ${object.metadata?.name}`);
      },
      get ended() {
        return ended;
      },
      stop: () => controller.abort(),
    };
  }

  const seen = async (watching: Watching, count: number): Promise<readonly string[]> =>
    fixture().until(`${count} events of a watch, after ${watching.told.join(', ')}`, async () => {
      await nextTurn();
      return watching.told.length >= count ? watching.told : undefined;
    });

  const create = async (labels: Record<string, string>): Promise<string> => {
    const { core, namespace } = fixture();
    const name = fixture().name('watched');
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels } } });
    return name;
  };

  const version = async (): Promise<string> => {
    const { metadata } = await fixture().core.listNamespacedConfigMap({ namespace: fixture().namespace });
    return metadata?.resourceVersion ?? '';
  };

  describe('a watch', () => {
    it('tells of everything since the version of a list, also of what came before it was opened', async () => {
      const { core, namespace } = fixture();
      const resourceVersion = await version();
      const name = await create({ watch: 'all' });
      const watching = await watch({ resourceVersion, labelSelector: 'watch=all' });
      await seen(watching, 1);
      await core.replaceNamespacedConfigMap({
        namespace,
        name,
        body: { metadata: { name, labels: { watch: 'all' } }, data: { a: '1' } },
      });
      await core.deleteNamespacedConfigMap({ namespace, name });
      expect(await seen(watching, 3)).toEqual([`ADDED ${name}`, `MODIFIED ${name}`, `DELETED ${name}`]);
      expect(watching.events[2]?.object.data).toEqual({ a: '1' });
      const versions = watching.events.map(({ object }) => Number(object.metadata?.resourceVersion));
      expect(versions).toEqual(versions.toSorted((one, other) => one - other));
      expect(new Set(versions).size).toBe(3);
      watching.stop();
    });

    it('goes on where another ended, without a gap and without telling anything twice', async () => {
      const first = await watch({ resourceVersion: await version(), labelSelector: 'watch=resumed' });
      const one = await create({ watch: 'resumed' });
      await seen(first, 1);
      first.stop();
      const two = await create({ watch: 'resumed' });
      const resourceVersion = first.events[0]?.object.metadata?.resourceVersion ?? '';
      const second = await watch({ resourceVersion, labelSelector: 'watch=resumed' });
      expect([first.told, await seen(second, 1)]).toEqual([[`ADDED ${one}`], [`ADDED ${two}`]]);
      second.stop();
    });

    it('without a version begins with everything that there is', async () => {
      const names = [await create({ watch: 'fresh' }), await create({ watch: 'fresh' })];
      const watching = await watch({ labelSelector: 'watch=fresh' });
      const told = await seen(watching, 2);
      expect(told.toSorted()).toEqual(names.map((name) => `ADDED ${name}`).toSorted());
      watching.stop();
    });

    it('shows what begins and ceases to match its selector as coming and going', async () => {
      const { core, namespace } = fixture();
      const watching = await watch({ resourceVersion: await version(), labelSelector: 'watch=moving' });
      const name = await create({ watch: 'elsewhere' });
      for (const label of ['moving', 'elsewhere']) {
        await core.replaceNamespacedConfigMap({
          namespace,
          name,
          body: { metadata: { name, labels: { watch: label } } },
        });
      }
      expect(await seen(watching, 2)).toEqual([`ADDED ${name}`, `DELETED ${name}`]);
      watching.stop();
    });

    it('ends when its time is over, after a bookmark for those who want one', async () => {
      const resourceVersion = await version();
      const labelSelector = 'watch=nothing';
      const query = { resourceVersion, labelSelector, timeoutSeconds: '4', allowWatchBookmarks: 'true' };
      const watching = await watch(query);
      // Without any news a bookmark would tell nothing, and is not sent.
      await create({ watch: 'elsewhere' });
      await fixture().until('the end of the watch', async () => {
        await nextTurn();
        return watching.ended ? true : undefined;
      });
      const bookmark = watching.events.find(({ type }) => type === 'BOOKMARK')?.object;
      expect(bookmark).toMatchObject({ kind: 'ConfigMap' });
      expect(Number(bookmark?.metadata?.resourceVersion)).toBeGreaterThan(Number(resourceVersion));
    });

    it.runIf(capabilities.forgetHistory)('of a version that is forgotten is told so in the stream', async () => {
      const resourceVersion = await version();
      await create({ watch: 'forgotten' });
      fixture().forgetHistory();
      const watching = await watch({ resourceVersion });
      await seen(watching, 1);
      expect(watching.events[0]).toMatchObject({
        type: 'ERROR',
        object: { kind: 'Status', code: 410, reason: 'Expired' },
      });
    });
  });
}
