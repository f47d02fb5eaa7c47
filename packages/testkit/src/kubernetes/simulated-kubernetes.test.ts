import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { CoreV1Api, KubeConfig, Log, makeInformer, type V1Pod } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSimulatedKubernetes, type SimulatedKubernetes } from './index.ts';

const NODE = process.execPath;

describe('a simulated cluster used through the official client', () => {
  let kubernetes: SimulatedKubernetes;
  let config: KubeConfig;
  let core: CoreV1Api;

  beforeAll(async () => {
    kubernetes = await startSimulatedKubernetes({
      nodes: [
        { name: 'node-a', cpu: '2', memory: '2Gi' },
        { name: 'node-b', cpu: '1', memory: '1Gi', labels: { size: 'small' } },
      ],
      namespaces: ['work'],
      images: { 'node:24': { kind: 'process', entrypoint: [NODE] } },
    });
    config = new KubeConfig();
    config.loadFromString(kubernetes.kubeconfig);
    core = config.makeApiClient(CoreV1Api);
  });

  afterAll(async () => {
    await kubernetes.stop();
  });

  function podRunning(name: string, script: string, more: Partial<V1Pod['spec']> = {}): V1Pod {
    const container = {
      name: 'main',
      image: 'node:24',
      args: ['-e', script],
      resources: { requests: { cpu: '100m' } },
    };
    return { metadata: { name }, spec: { restartPolicy: 'Never', containers: [container], ...more } };
  }

  /** The pod once it is in one of these phases. */
  async function phaseOf(name: string, ...phases: string[]): Promise<V1Pod> {
    let pod: V1Pod = {};
    await expect
      .poll(
        async () => {
          pod = await core.readNamespacedPod({ namespace: 'work', name });
          return phases.includes(pod.status?.phase ?? '');
        },
        { timeout: 10_000, interval: 20 },
      )
      .toBe(true);
    return pod;
  }

  it('brings requests to a pod that listens at its own address, and its answers back', async () => {
    const script = `
      const { createServer } = require('node:http');
      createServer((request, response) => {
        const { authorization = 'none', own } = request.headers;
        response.setHeader('told', [request.method, request.url, authorization, own].join(' '));
        request.pipe(response.writeHead(418));
      }).listen(8080, process.env.IP);`;
    const env = [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }];
    const containers = [{ name: 'main', image: 'node:24', args: ['-e', script], env }];
    await core.createNamespacedPod({ namespace: 'work', body: podRunning('listens', '', { containers }) });
    await phaseOf('listens', 'Running');
    const { token } = config.getCurrentUser() ?? {};
    const ask = (port: number): Promise<Response> =>
      fetch(`${kubernetes.url}/api/v1/namespaces/work/pods/listens:${port}/proxy/some/path?q=1`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, own: 'mine' },
        body: 'bytes',
      });
    await expect.poll(async () => (await ask(8080)).status, { timeout: 10_000 }).toBe(418);
    const answer = await ask(8080);
    // What lets one in at the API server is not handed on.
    expect(answer.headers.get('told')).toBe('POST /some/path?q=1 none mine');
    expect(await answer.text()).toBe('bytes');
    const refused = await ask(8081);
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain('error trying to reach service: dial tcp');
  });

  it('runs a pod as a real process, with its output as the log and its exit code in the status', async () => {
    await core.createNamespacedPod({
      namespace: 'work',
      body: podRunning('speaks', 'console.log("hello"); process.exitCode = 3'),
    });
    const pod = await phaseOf('speaks', 'Failed');
    expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    expect(await core.readNamespacedPodLog({ namespace: 'work', name: 'speaks' })).toBe('hello\n');
  });

  it('tells an informer of a pod from its creation to its end', async () => {
    const seen: string[] = [];
    const list = (): ReturnType<CoreV1Api['listNamespacedPod']> => core.listNamespacedPod({ namespace: 'work' });
    const informer = makeInformer(config, '/api/v1/namespaces/work/pods', list);
    const note = (what: string) => (pod: V1Pod) => {
      if (pod.metadata?.name === 'watched') seen.push(`${what} ${pod.status?.phase}`);
    };
    informer.on('add', note('add'));
    informer.on('update', note('update'));
    informer.on('delete', note('delete'));
    await informer.start();
    await core.createNamespacedPod({ namespace: 'work', body: podRunning('watched', 'setInterval(() => {}, 1000)') });
    await phaseOf('watched', 'Running');
    await core.deleteNamespacedPod({ namespace: 'work', name: 'watched' });
    await expect.poll(() => seen.at(-1)?.startsWith('delete')).toBe(true);
    await informer.stop();
    expect(seen[0]).toBe('add Pending');
    expect(seen).toContain('update Running');
  });

  it('follows the log of a running container to its end', async () => {
    const script =
      'let n = 0; const t = setInterval(() => { console.log(`line ${n += 1}`); if (n === 3) clearInterval(t) }, 20)';
    await core.createNamespacedPod({ namespace: 'work', body: podRunning('counts', script) });
    await phaseOf('counts', 'Running', 'Succeeded');
    const stream = new PassThrough();
    await new Log(config).log('work', 'counts', 'main', stream, { follow: true });
    expect(await text(stream)).toBe('line 1\nline 2\nline 3\n');
  });

  it('leaves a pod pending that no node has room for, and says why', async () => {
    const container = { name: 'main', image: 'node:24', resources: { requests: { cpu: '3' } } };
    const spec = { containers: [container], restartPolicy: 'Never' };
    await core.createNamespacedPod({ namespace: 'work', body: { metadata: { name: 'large' }, spec } });
    await expect
      .poll(async () => (await core.readNamespacedPod({ namespace: 'work', name: 'large' })).status?.conditions)
      .toMatchObject([
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message:
            '0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.',
        },
      ]);
    kubernetes.addNode({ name: 'node-c', cpu: '4' });
    await phaseOf('large', 'Running', 'Failed', 'Succeeded');
  });
});
