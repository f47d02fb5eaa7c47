import { ApiException, makeInformer, Watch, type V1ConfigMap } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/index.ts';
import { startSimulatedKubernetes, type SimulatedKubernetes } from '../../src/kubernetes/index.ts';
import { connect, type Clients } from './connect.ts';

const namespace = 'default';

let clock: ManualClock;
let kubernetes: SimulatedKubernetes;
let clients: Clients;

beforeEach(async () => {
  clock = new ManualClock();
  kubernetes = await startSimulatedKubernetes({ nodes: [], clock });
  clients = connect(kubernetes);
});
afterEach(() => kubernetes.stop());

const create = (name: string): Promise<V1ConfigMap> =>
  clients.core.createNamespacedConfigMap({ namespace, body: { metadata: { name } } });

async function errorOf(request: Promise<unknown>): Promise<ApiException<unknown>> {
  const error = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ApiException) return error;
  throw new Error('The request did not end with an error of the API.', { cause: error });
}

describe('a fault', () => {
  it.each([409, 410, 429, 500, 503] as const)(
    'answers one request with %i and lets the next one pass',
    async (code) => {
      const fault = kubernetes.faults.fail(code, { verb: 'create', resource: 'configmaps' }, { retryAfterSeconds: 7 });
      const error = await errorOf(create('one'));
      expect(error.code).toBe(code);
      expect(error.headers['retry-after']).toBe(code === 429 || code === 503 ? '7' : undefined);
      await create('one');
      expect(fault.hits).toBe(1);
    },
  );

  it('hits only what it was meant for', async () => {
    const fault = kubernetes.faults.fail(500, { verb: ['get', 'list'], name: /^b/ }, { times: 2 });
    await create('a');
    await create('b');
    await clients.core.readNamespacedConfigMap({ namespace, name: 'a' });
    expect((await errorOf(clients.core.readNamespacedConfigMap({ namespace, name: 'b' }))).code).toBe(500);
    fault.remove();
    await clients.core.readNamespacedConfigMap({ namespace, name: 'b' });
    expect(fault.hits).toBe(1);
  });

  it('delays by the clock of the cluster', async () => {
    kubernetes.faults.delay(5_000, { resource: 'configmaps' });
    let answered = false;
    const request = create('slow').then(() => {
      answered = true;
    });
    await expect.poll(() => clock.pendingTimers).toBe(1);
    expect(answered).toBe(false);
    await clock.advance(5_000);
    await request;
    expect(answered).toBe(true);
  });

  it('denies for good, and access reviews say so', async () => {
    kubernetes.faults.deny({ verb: 'create', resource: 'secrets' });
    const allowed = async (resource: string): Promise<boolean | undefined> => {
      const body = { spec: { resourceAttributes: { verb: 'create', resource, namespace } } };
      return (await clients.authorization.createSelfSubjectAccessReview({ body })).status?.allowed;
    };
    expect([await allowed('secrets'), await allowed('pods')]).toEqual([false, true]);
    for (const name of ['a', 'b']) {
      const error = await errorOf(clients.core.createNamespacedSecret({ namespace, body: { metadata: { name } } }));
      expect(error.code).toBe(403);
      expect(error.body).toContain('cannot create resource');
    }
  });
});

describe('a watch', () => {
  const watch = async (query: Record<string, string>): Promise<{ told: string[]; ended: Promise<unknown> }> => {
    const told: string[] = [];
    let end: (error: unknown) => void = () => {};
    const ended = new Promise<unknown>((resolve) => {
      end = resolve;
    });
    const note = (type: string, object: { code?: number }): void =>
      void told.push(`${type} ${object.code ?? ''}`.trim());
    await new Watch(clients.config).watch(`/api/v1/namespaces/${namespace}/configmaps`, query, note, end);
    return { told, ended };
  };

  it('is cut in the middle, ended properly, or told that its version is gone', async () => {
    const [cut, ended] = [await watch({}), await watch({})];
    expect(kubernetes.faults.dropWatches({ resource: 'configmaps' })).toBe(2);
    expect(await cut.ended).toBeInstanceOf(Error);
    await ended.ended;
    const graceful = await watch({});
    expect(kubernetes.faults.endWatches()).toBe(1);
    expect(await graceful.ended).toBeNull();
    const expired = await watch({});
    expect(kubernetes.faults.expireWatches()).toBe(1);
    await expired.ended;
    expect(expired.told).toEqual(['ERROR 410']);
  });

  it('sends bookmarks when there is something new, by the clock', async () => {
    const { metadata } = await clients.core.listNamespacedConfigMap({ namespace });
    const resourceVersion = metadata?.resourceVersion ?? '';
    const watching = await watch({ resourceVersion, labelSelector: 'a=b', allowWatchBookmarks: 'true' });
    await create('elsewhere');
    await clock.advance(60_000);
    await expect.poll(() => watching.told).toEqual(['BOOKMARK']);
    await clock.advance(60_000);
    await create('more');
    expect(kubernetes.faults.sendBookmarks()).toBe(1);
    await expect.poll(() => watching.told).toEqual(['BOOKMARK', 'BOOKMARK']);
  });

  it('of a forgotten version, or a list that goes on from one, is refused', async () => {
    for (const name of ['a', 'b', 'c']) await create(name);
    const page = await clients.core.listNamespacedConfigMap({ namespace, limit: 1 });
    await create('d');
    kubernetes.faults.compactHistory();
    const watching = await watch({ resourceVersion: page.metadata?.resourceVersion ?? '' });
    await watching.ended;
    expect(watching.told).toEqual(['ERROR 410']);
    const next = clients.core.listNamespacedConfigMap({
      namespace,
      limit: 1,
      _continue: page.metadata?._continue ?? '',
    });
    expect((await errorOf(next)).code).toBe(410);
  });

  it('that an informer holds is taken up again where it was cut', async () => {
    const names = new Set<string>();
    const list = (): ReturnType<typeof clients.core.listNamespacedConfigMap> =>
      clients.core.listNamespacedConfigMap({ namespace });
    const informer = makeInformer(clients.config, `/api/v1/namespaces/${namespace}/configmaps`, list);
    const failed = new Promise((resolve) => {
      informer.on('error', resolve);
    });
    informer.on('add', (object) => names.add(object.metadata?.name ?? ''));
    await informer.start();
    await create('before');
    await expect.poll(() => names.has('before')).toBe(true);
    kubernetes.faults.dropWatches();
    await failed;
    await create('between');
    await informer.start();
    await expect.poll(() => names.has('between')).toBe(true);
    await informer.stop();
  });
});

describe('the API', () => {
  it('goes away and comes back at the same address with the same objects', async () => {
    await create('kept');
    await kubernetes.stopApi();
    await expect(create('refused')).rejects.toThrow('fetch failed');
    await kubernetes.startApi();
    expect((await clients.core.readNamespacedConfigMap({ namespace, name: 'kept' })).metadata?.name).toBe('kept');
  });

  it('refuses whoever has not its token', async () => {
    const response = await fetch(`${kubernetes.url}/api/v1/pods`);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ kind: 'Status', reason: 'Unauthorized' });
    expect((await fetch(`${kubernetes.url}/readyz`)).status).toBe(200);
  });

  it('keeps a log of what was asked, with the answers', async () => {
    await create('logged');
    await errorOf(create('logged'));
    await clients.core.listNamespacedPod({ namespace });
    const creations = kubernetes.requests.matching({ verb: 'create', resource: 'configmaps' });
    await expect.poll(() => creations.map(({ status }) => status)).toEqual([201, 409]);
    expect(kubernetes.requests.count()).toBe(3);
    kubernetes.requests.clear();
    expect(kubernetes.requests.all).toEqual([]);
  });

  it('tells what it serves', async () => {
    const headers = { authorization: `Bearer ${clients.config.getCurrentUser()?.token}` };
    const resources = async (path: string): Promise<string[]> => {
      const list = (await (await fetch(`${kubernetes.url}${path}`, { headers })).json()) as {
        resources: { name: string }[];
      };
      return list.resources.map(({ name }) => name);
    };
    expect(await resources('/api/v1')).toEqual(
      expect.arrayContaining(['pods', 'pods/log', 'pods/eviction', 'nodes/status']),
    );
    expect(await resources('/apis/batch/v1')).toEqual(['jobs', 'jobs/status']);
    expect((await fetch(`${kubernetes.url}/apis/nothing/v1`, { headers })).status).toBe(404);
  });
});
