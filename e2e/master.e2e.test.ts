/** What only the classic backend has to withstand: everything of a job goes through one small pod. */
import { encodeEnvelope } from '@splitrock/core/plugin';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Crowd } from './src/crowd.ts';
import { CLASSIC, KUBERNETES_BACKENDS } from './src/kubernetes-backends.ts';
import { MasterPod, bootstrapOf, type MasterRequest } from './src/master-pod.ts';
import { core, surroundings } from './src/surroundings.ts';
import { WatchedJob } from './src/watched-job.ts';
import { World } from './src/world.ts';

const LONG = { timeout: 300_000 };
const AGES = { timeout: 900_000 };
const isWanted = KUBERNETES_BACKENDS.includes(CLASSIC);

let world: World;
let master: MasterPod;
beforeAll(async () => {
  world = await World.create(CLASSIC);
  master = new MasterPod(world);
});
afterEach(() => world.clear());
afterAll(() => world[Symbol.asyncDispose]());

describe.skipIf(!isWanted || !surroundings.canBreak)('the master', () => {
  it('is killed twice in mid-job: no call is lost, and each has one outcome', async () => {
    const watched = new WatchedJob(world.executor(), { calls: 400, ms: 200 });
    for (const ended of [20, 120]) {
      await watched.untilEnded(ended);
      await master.kill();
    }
    expect(await watched.wrongs()).toEqual([]);
    expect((await master.pod()).status?.containerStatuses?.[0]?.restartCount).toBe(2);
    expect(watched.job.progress.retries).toBe(0);
  });
});

describe.skipIf(!isWanted)('the master with 0.2 CPU', () => {
  const CPU = '200m';
  beforeAll(async () => {
    const spec = { limits: [{ type: 'Container', _default: { cpu: CPU } }] };
    await core.createNamespacedLimitRange({
      namespace: world.namespace,
      body: { metadata: { name: 'little' }, spec },
    });
  });
  afterAll(async () => {
    await core.deleteNamespacedLimitRange({ namespace: world.namespace, name: 'little' });
  });

  // Two hundred pods are more than a test machine has room for: what asks the master is real, what it runs is not.
  it('keeps 200 workers at work, 198 of them call sources of this process: no call is lost', LONG, async () => {
    // Work for twenty seconds: the last to be let in still finds some.
    const CALLS = 8_000;
    const executor = world.executor({ storage: 'redis', pods: { limits: { cpu: 'request' } } });
    const watched = new WatchedJob(executor, { calls: CALLS, ms: 500 });
    const bootstrap = await bootstrapOf(world, watched.job.id);
    expect((await master.pod()).spec?.containers[0]?.resources?.limits?.['cpu']).toBe(CPU);
    await using crowd = await Crowd.join(bootstrap, { workers: 198, ms: 500 });
    expect(await watched.wrongs()).toEqual([]);
    expect(crowd.busy).toBe(198);
    const workers = new Set(watched.job.records().map(({ workerId }) => workerId));
    expect(workers.size).toBe(200);
    expect(watched.job.progress).toMatchObject({ failed: 0, retries: 0 });
  });
});

describe.skipIf(!isWanted)('a job of 100,000 calls', () => {
  it('gives every result in its place, and its pods have no more to carry than those of ten calls', AGES, async () => {
    const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
    const carried = async (calls: number): Promise<number> => {
      const job = world.executor().map((n: number) => n, range(calls));
      const sizeOfPod = async (): Promise<number> => {
        const pods = await world.pods();
        const own = pods.find(({ metadata }) => metadata?.labels?.['splitrock.dev/job'] === job.id);
        return JSON.stringify(own?.spec ?? '').length;
      };
      await expect.poll(sizeOfPod, { timeout: 60_000 }).toBeGreaterThan(1_000);
      const size = await sizeOfPod();
      expect(await job).toEqual(range(calls));
      return size;
    };
    const ofTen = await carried(10);
    // Names have a number in them, and the scheduler may have written where the pod runs.
    expect(await carried(100_000)).toBeLessThan(ofTen + 200);
  });
});

describe.skipIf(!isWanted)('requests to the master', () => {
  it('without its token, malformed or huge are refused and logged, and have no effect', async () => {
    const [mine, other] = [1, 2].map(() => new WatchedJob(world.executor(), { calls: 40, ms: 200 }));
    if (mine === undefined || other === undefined) throw new Error('both are there');
    const tokenOf = async ({ job }: WatchedJob): Promise<string> =>
      (await bootstrapOf(world, job.id)).backend.options.job.token;
    const [token, othersToken] = await Promise.all([tokenOf(mine), tokenOf(other)]);
    await Promise.all([mine.untilEnded(1), other.untilEnded(1)]);

    const who = { v: 1, worker: 'intruder', session: 'a-session-of-nobody-else' };
    const join = { ...who, slots: 1_000, runtime: { nodeVersion: '24.0.0' }, held: [] };
    const end = { ...who, turn: 1, room: 0, received: 0, report: 0, answers: [['d', 1, 0, 40, 0]], segments: [] };
    const joining = (given: Partial<MasterRequest>): MasterRequest => ({
      path: '/v1/worker/join',
      body: encodeEnvelope('M', join),
      ...given,
    });
    const secret = token.split('.').at(-1) ?? '';
    const mixed = `${othersToken.split('.').slice(0, -1).join('.')}.${secret}`;
    const refused: readonly (readonly [MasterRequest, number, string])[] = [
      [joining({}), 401, 'MASTER_TOKEN_MISSING'],
      [joining({ token: 'Bearer of-something-else' }), 401, 'MASTER_TOKEN_MISSING'],
      [joining({ token: mixed }), 403, 'MASTER_TOKEN_REFUSED'],
      [joining({ token, path: '/v1/client/hello' }), 403, 'MASTER_TOKEN_REFUSED'],
      [joining({ token, path: '/v1/worker/everything' }), 404, 'MASTER_NO_SUCH_REQUEST'],
      [joining({ token, body: Buffer.from('{"v":1}') }), 400, 'MASTER_REQUEST_INVALID'],
      [joining({ token, body: encodeEnvelope('M', { ...join, slots: -1 }) }), 400, 'MASTER_REQUEST_INVALID'],
      [joining({ token, body: Buffer.alloc((4 << 20) + 1) }), 413, 'MASTER_REQUEST_TOO_LARGE'],
      [joining({ token, path: '/v1/worker/report', body: encodeEnvelope('M', end) }), 409, 'MASTER_SESSION_UNKNOWN'],
    ];
    for (const [asked, status, code] of refused) expect(await master.ask(asked)).toEqual({ status, code });

    expect(await mine.wrongs()).toEqual([]);
    expect(await other.wrongs()).toEqual([]);
    const log = await master.log();
    for (const [, status, code] of refused) if (status !== 409) expect(log).toContain(code);
    expect(log).not.toContain(secret);
  });
});
