import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Log, type V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { failureOf, type FidelityFixture } from './fidelity-fixture.ts';

const conditionsOf = (pod: V1Pod): Record<string, string> =>
  Object.fromEntries((pod.status?.conditions ?? []).map(({ type, status }) => [type, status]));

/** How pods live and end. */
export function describePods(fixture: () => FidelityFixture): void {
  const run = (script: string, ...phases: string[]): Promise<V1Pod> =>
    fixture().runPod(fixture().pod(fixture().name('pod'), script), ...phases);
  const nameOf = (pod: V1Pod): string => pod.metadata?.name ?? '';
  /** Runs until it is told to end, which it then does at once. */
  const obedient = (): string => `trap 'exit 0' TERM; ${fixture().shell.sleep} 1000 & wait`;
  /** Hears SIGTERM and goes on. */
  const stubborn = (): string =>
    `trap '' TERM; echo ready; ${fixture().shell.sleep} 1000 & wait; ${fixture().shell.sleep} 1000`;

  describe('a pod', () => {
    it('runs to its end and says how it went', async () => {
      const pod = await run('echo out; echo err >&2', 'Succeeded');
      const [status] = pod.status?.containerStatuses ?? [];
      expect(status).toMatchObject({ name: 'main', ready: false, restartCount: 0 });
      expect(status?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
      expect(conditionsOf(pod)).toMatchObject({ PodScheduled: 'True', Initialized: 'True', Ready: 'False' });
      expect(pod.status).toMatchObject({ qosClass: 'BestEffort' });
      expect(pod.spec).toMatchObject({ schedulerName: 'default-scheduler', dnsPolicy: 'ClusterFirst' });
      expect((await fixture().logOf(nameOf(pod))).split('\n').toSorted()).toEqual(['', 'err', 'out']);
    });

    it('fails with the exit code of its process', async () => {
      const pod = await run('exit 3', 'Failed');
      expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    });

    it('that is killed by a signal has the code of a shell', async () => {
      // A first process is safe from its own signals; its end by another one's shows as the shell tells it.
      const pod = await run(`${fixture().shell.sleep} 1000 & kill -9 $!; wait $!; exit $?`, 'Failed');
      expect(pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(137);
    });

    it('is ready while it runs, on a node, and tells of each step in an event', async () => {
      const pod = await run(obedient(), 'Running');
      const ready = await fixture().podWith(nameOf(pod), 'ready', (read) => conditionsOf(read)['Ready'] === 'True');
      expect(ready.spec?.nodeName).toBeTruthy();
      expect(ready.status?.podIP).toMatch(/^\d+(\.\d+){3}$/);
      expect(ready.status?.containerStatuses?.[0]).toMatchObject({ ready: true, started: true });
      expect(ready.status?.containerStatuses?.[0]?.containerID).toMatch(/^containerd:\/\//);
      const { namespace } = fixture();
      const assigned = `Successfully assigned ${namespace}/${nameOf(pod)} to ${ready.spec?.nodeName}`;
      expect(await fixture().eventOf(nameOf(pod), 'Scheduled')).toBe(assigned);
      expect(await fixture().eventOf(nameOf(pod), 'Created')).toMatch(/^Created container/);
      expect(await fixture().eventOf(nameOf(pod), 'Started')).toMatch(/^Started container/);
      await fixture().core.deleteNamespacedPod({ namespace, name: nameOf(pod), gracePeriodSeconds: 0 });
    });

    it('that is deleted gets SIGTERM, and time to end', async () => {
      const { core, namespace } = fixture();
      const pod = await run(`echo ready; ${obedient()}`, 'Running');
      await fixture().until('the first line', async () =>
        (await fixture().logOf(nameOf(pod))) === '' ? undefined : true,
      );
      const marked = await core.deleteNamespacedPod({ namespace, name: nameOf(pod) });
      expect(marked.metadata).toMatchObject({ deletionGracePeriodSeconds: 2 });
      expect(marked.metadata?.deletionTimestamp).toBeTruthy();
      await fixture().podGone(nameOf(pod));
    });

    it('that ignores SIGTERM is killed when its time is over', async () => {
      const { core, namespace } = fixture();
      const pod = await run(stubborn(), 'Running');
      await fixture().until('the first line', async () =>
        (await fixture().logOf(nameOf(pod))) === '' ? undefined : true,
      );
      const stream = new PassThrough();
      await new Log(fixture().config).log(namespace, nameOf(pod), 'main', stream, { follow: true });
      await core.deleteNamespacedPod({ namespace, name: nameOf(pod), gracePeriodSeconds: 1 });
      // A kubelet that is late adds that it no longer finds the container.
      expect((await text(stream)).replace(/rpc error: .* not found$/, '')).toBe('ready\n');
      await fixture().podGone(nameOf(pod));
    });

    it('that is deleted by force is gone from the API at once', async () => {
      const { core, namespace } = fixture();
      const pod = await run(stubborn(), 'Running');
      await core.deleteNamespacedPod({ namespace, name: nameOf(pod), gracePeriodSeconds: 0 });
      expect(await failureOf(fixture().readPod(nameOf(pod)))).toMatchObject({ code: 404 });
    });

    it('is evicted through its subresource', async () => {
      const { core, namespace } = fixture();
      const pod = await run(obedient(), 'Running');
      const body = { metadata: { name: nameOf(pod), namespace } };
      await core.createNamespacedPodEviction({ namespace, name: nameOf(pod), body });
      await fixture().podGone(nameOf(pod));
    });

    it('where nobody listens cannot be reached through the API', async () => {
      const pod = await run(`${fixture().shell.sleep} 30`, 'Running');
      const { core, namespace } = fixture();
      const asked = core.connectPostNamespacedPodProxyWithPath({ namespace, name: `${nameOf(pod)}:8473`, path: 'any' });
      const { code, message } = await failureOf(asked);
      // 500 up to Kubernetes 1.20.
      expect([500, 503]).toContain(code);
      expect(message).toContain('error trying to reach service: dial tcp');
    });

    it('that may be restarted is, until it succeeds', async () => {
      // The path is an argument, so that a pod that is a local process is given the real one.
      const script = '[ -e "$0/second" ] && exit 0; : > "$0/second"; exit 1';
      const container = { args: ['/data'], volumeMounts: [{ name: 'data', mountPath: '/data' }] };
      const spec = { restartPolicy: 'OnFailure', volumes: [{ name: 'data', emptyDir: {} }] };
      const marker = fixture().pod(fixture().name('pod'), script, container, spec);
      const pod = await fixture().runPod(marker, 'Succeeded');
      const [status] = pod.status?.containerStatuses ?? [];
      expect(status?.restartCount).toBe(1);
      expect(status?.lastState?.terminated).toMatchObject({ exitCode: 1 });
    });
  });

  describe('the log of a pod', () => {
    it('is read in parts, and with times', async () => {
      const { core, namespace } = fixture();
      const pod = await run('echo one; echo two; echo three', 'Succeeded');
      const target = { namespace, name: nameOf(pod) };
      expect(await core.readNamespacedPodLog({ ...target, tailLines: 2 })).toBe('two\nthree\n');
      expect(await core.readNamespacedPodLog({ ...target, limitBytes: 5 })).toBe('one\nt');
      const stamped = await core.readNamespacedPodLog({ ...target, timestamps: true });
      expect(stamped.split('\n')[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z one$/);
    });

    it('is followed to its end', async () => {
      const pod = await run(`echo one; ${fixture().shell.sleep} 1; echo two`, 'Running');
      const stream = new PassThrough();
      await new Log(fixture().config).log(fixture().namespace, nameOf(pod), 'main', stream, { follow: true });
      expect(await text(stream)).toBe('one\ntwo\n');
    });

    it('is refused for a container that is not there, or not chosen', async () => {
      const { core, namespace } = fixture();
      const name = fixture().name('pod');
      const second = fixture().container(':', { name: 'second' });
      const spec = { containers: [fixture().container(':'), second] };
      await fixture().runPod(fixture().pod(name, ':', {}, spec), 'Succeeded');
      const ask = (container?: string): Promise<string> =>
        core.readNamespacedPodLog({ namespace, name, ...(container === undefined ? {} : { container }) });
      expect(await failureOf(ask('third'))).toMatchObject({
        code: 400,
        message: `container third is not valid for pod ${name}`,
      });
      const unchosen = await failureOf(ask());
      expect(unchosen.message).toBe(`a container name must be specified for pod ${name}, choose one of: [main second]`);
      expect(await failureOf(core.readNamespacedPodLog({ namespace, name: 'nowhere' }))).toMatchObject({ code: 404 });
    });
  });
}
