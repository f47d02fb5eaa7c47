import { describe, expect, it } from 'vitest';
import { crash, eviction, PoolWorld, someRoom, type Client } from '../../test/pool-world.ts';
import type { PodDeath } from '../diagnosis/pod-death.ts';

const start = (given: object = {}): { readonly world: PoolWorld; readonly client: Client } => {
  const world = new PoolWorld();
  const client = world.client(given);
  world.look(client);
  return { world, client };
};
const told = (client: Client): readonly string[] => client.diagnoses.map(({ severity, code }) => `${severity} ${code}`);

describe('a pool grows', () => {
  it('by as many workers as the demand needs, and no more while they start', () => {
    const { world, client } = start({ slots: { workerProcesses: 4 } });
    world.demand(client, 9);
    expect(world.names('pending')).toEqual(['p-0', 'p-1', 'p-2']);
    world.pass(5_000);
    world.become({ phase: 'running' });
    world.demand(client, 12);
    expect(world.creations).toBe(3);
    world.demand(client, 13);
    expect(world.names()).toEqual(['p-0', 'p-1', 'p-2', 'p-3']);
  });

  it('not before it has seen what is there', () => {
    const world = new PoolWorld();
    const client = world.client();
    world.demand(client, 5);
    expect(world.creations).toBe(0);
    world.look(client);
    expect(world.creations).toBe(5);
  });

  it('up to its maximum', () => {
    const { world, client } = start({ maxWorkers: 3 });
    world.demand(client, 1_000_000);
    world.pass(2_000);
    expect(world.names()).toHaveLength(3);
    expect(client.machine.maxSlots).toBe(3);
  });

  it('to its minimum without any demand', () => {
    const { world } = start({ minWorkers: 2 });
    expect(world.names()).toEqual(['p-0', 'p-1']);
  });

  it('in steps when it grows by many, without waiting for them to run', () => {
    const { world, client } = start({ maxWorkers: 120 });
    world.demand(client, 120);
    for (let looks = 0; looks < 3; looks += 1) world.lookAll();
    expect(world.names('pending')).toHaveLength(120);
  });

  it('once for two clients that see the same', () => {
    const world = new PoolWorld();
    const clients = [world.client(), world.client()] as const;
    world.lookAll();
    for (const client of clients) world.demand(client, 7);
    expect(world.creations).toBe(7);
    world.lookAll();
    expect(world.names()).toHaveLength(7);
  });
});

describe('a pool with a worker on each node', () => {
  const perNode = { sizing: { kind: 'per-node' } };
  const slots = (world: PoolWorld): readonly string[] =>
    [...world.pods.values()].map(({ place, slots }) => `${place}:${slots}`).toSorted();

  it('takes the smallest node that suffices, else the largest first', () => {
    const { world, client } = start(perNode);
    const rooms = [someRoom('a', 4), someRoom('b', 64), someRoom('c', 16)];
    world.rooms(client, rooms);
    world.demand(client, 10);
    expect(slots(world)).toEqual(['c:16']);
    world.demand(client, 80);
    expect(slots(world)).toEqual(['b:64', 'c:16']);
    world.demand(client, 1000);
    expect(slots(world)).toEqual(['a:4', 'b:64', 'c:16']);
    expect(client.machine.maxSlots).toBe(84);
  });

  it('uses a node that joins later', () => {
    const { world, client } = start(perNode);
    world.rooms(client, [someRoom('a', 4)]);
    world.demand(client, 8);
    world.become({ phase: 'running' });
    world.rooms(client, [someRoom('a', 0), someRoom('b', 4)]);
    expect(slots(world)).toEqual(['a:4', 'b:4']);
  });

  it('leaves out nodes that take no workers, and says so when there is no other', () => {
    const { world, client } = start(perNode);
    world.rooms(client, [someRoom('a', 4, 'is not ready'), someRoom('b', 0)]);
    world.demand(client, 1);
    expect(world.creations).toBe(0);
    expect(client.diagnoses[0]).toMatchObject({
      severity: 'error',
      code: 'POOL_NO_ROOM',
      message: expect.stringContaining('a is not ready, b has 0 CPU and 0 of memory free'),
    });
    world.rooms(client, [someRoom('b', 2)]);
    expect(told(client)).toEqual(['error POOL_NO_ROOM', 'info POOL_NO_ROOM']);
    expect(slots(world)).toEqual(['b:2']);
  });

  it('plans anew what no longer fits its node', () => {
    const { world, client } = start(perNode);
    world.rooms(client, [someRoom('a', 8)]);
    world.demand(client, 8);
    world.become({ trouble: { code: 'POOL_UNSCHEDULABLE', message: 'Insufficient cpu' } });
    world.rooms(client, [someRoom('a', 3)]);
    world.pass(11_000);
    world.lookAll();
    expect(slots(world)).toEqual(['a:3']);
  });
});

describe('a worker that ends', () => {
  it('well, is told as stopped, swept, and not replaced without need', () => {
    const { world, client } = start();
    world.demand(client, 1);
    world.become({ phase: 'running' });
    world.demand(client, 0);
    world.become({ phase: 'succeeded' });
    expect(client.changes).toEqual([{ workerId: 'p-0', change: 'stopped', slots: 1 }]);
    expect(world.names()).toEqual([]);
    world.pass(60_000);
    expect(client.wakeAtMs).toBe(undefined);
    expect(world.creations).toBe(1);
  });

  it('by eviction, is told as lost once and replaced at once under another name', () => {
    const { world, client } = start();
    world.demand(client, 2);
    world.become({ phase: 'running' });
    world.become({ phase: 'failed', death: eviction }, 'p-1');
    expect(client.changes).toEqual([{ workerId: 'p-1', change: 'lost', slots: 1, reason: eviction.reason }]);
    expect(world.names()).toEqual(['p-0', 'p-2']);
    expect(told(client)).toEqual(['warning WORKER_EVICTED']);
    world.pass(31_000);
    expect(told(client)).toEqual(['warning WORKER_EVICTED', 'info WORKER_EVICTED']);
  });

  it('by being removed, is told as lost and replaced', () => {
    const { world, client } = start();
    world.demand(client, 1);
    world.become({ phase: 'running' });
    const death: PodDeath = { reason: { kind: 'worker-lost', message: 'was deleted' }, isOwnFault: false };
    world.vanish('p-0', death);
    expect(client.changes).toMatchObject([{ change: 'lost', reason: { kind: 'worker-lost' } }]);
    expect(world.names('pending')).toHaveLength(1);
  });

  it('before this client came, is swept without a word', () => {
    const world = new PoolWorld();
    const death = crash();
    world.pods.set('p-4', { name: 'p-4', uid: 'old', place: 'any', slots: 1, phase: 'failed', death });
    const client = world.client();
    world.look(client);
    expect([client.changes, client.diagnoses, world.removed]).toEqual([[], [], ['p-4']]);
  });

  it('with its node, which keeps its pod, is told as lost all the same', () => {
    const { world, client } = start();
    world.demand(client, 1);
    world.become({ phase: 'running' });
    const death: PodDeath = { reason: { kind: 'node-lost', message: 'the node is silent' }, isOwnFault: false };
    world.become({ phase: 'leaving', death });
    world.lookAll();
    expect(client.changes).toMatchObject([{ workerId: 'p-0', change: 'lost', reason: { kind: 'node-lost' } }]);
    expect([world.names('pending'), world.removed]).toEqual([['p-1'], []]);
    world.vanish('p-0', death);
    expect(client.changes).toHaveLength(1);
  });

  it('on a silent node is replaced, and counts again when the node is back', () => {
    const { world, client } = start();
    world.demand(client, 1);
    world.become({ phase: 'running' });
    world.become({ phase: 'unreachable' });
    expect(world.names('pending')).toEqual(['p-1']);
    world.become({ phase: 'running' });
    expect(world.creations).toBe(2);
    expect(client.changes).toEqual([]);
  });
});

describe('workers that crash at their start', () => {
  const crashAll = (world: PoolWorld): void => {
    world.become({ phase: 'failed', death: crash() });
    world.lookAll();
  };

  it('make the pool stop and say why, with the last that was logged, and try with one from then on', () => {
    const { world, client } = start();
    world.demand(client, 10);
    for (let round = 0; round < 3; round += 1) {
      world.become({ phase: 'running' });
      crashAll(world);
      world.pass(1_000 * 2 ** round);
    }
    expect(told(client)).toEqual(['warning WORKER_START_FAILED', 'error WORKER_START_FAILED']);
    expect(client.diagnoses.at(-1)).toMatchObject({
      message: expect.stringContaining('3 times in a row'),
      details: { exitCode: 78, log: 'Error: boom' },
    });
    world.pass(4_000);
    world.lookAll();
    expect(world.names()).toHaveLength(1);
    const { creations } = world;
    for (let round = 0; round < 20; round += 1) {
      crashAll(world);
      world.pass(10_000);
    }
    expect(world.creations - creations).toBeLessThan(12);
  });

  it('are forgotten once one runs on', () => {
    const { world, client } = start();
    world.demand(client, 4);
    for (let round = 0; round < 3; round += 1) {
      crashAll(world);
      world.pass(3_000);
    }
    expect(world.names()).toHaveLength(1);
    world.become({ phase: 'running' });
    world.pass(10_500);
    expect(told(client).at(-1)).toBe('info WORKER_START_FAILED');
    expect(world.names()).toHaveLength(4);
  });

  it('do not stop a pool in which another runs on: that is the calls’ doing', () => {
    const { world, client } = start();
    world.demand(client, 2);
    world.become({ phase: 'running' });
    world.pass(11_000);
    for (let round = 0; round < 10; round += 1) {
      const [, last] = world.names('running', 'pending');
      world.become({ phase: 'running' });
      world.become({ phase: 'failed', death: crash() }, last as string);
      world.pass(1_000);
      world.lookAll();
      expect(world.names('running', 'pending')).toHaveLength(2);
    }
    expect(told(client)).not.toContain('error WORKER_START_FAILED');
  });
});

describe('a pool that cannot start workers says so', () => {
  const trouble = { code: 'IMAGE_PULL_FAILED', message: 'pod p-0: ErrImagePull: not found' } as const;

  it('within two seconds, once, with the remedy, and when it is over', () => {
    const { world, client } = start();
    world.demand(client, 3);
    world.become({ trouble });
    world.pass(2_000);
    world.become({ trouble: { ...trouble, message: 'pod p-0: ImagePullBackOff' } });
    world.pass(60_000);
    expect(client.diagnoses).toEqual([
      {
        severity: 'error',
        code: 'IMAGE_PULL_FAILED',
        message: expect.stringMatching(/^Pod p-0: ErrImagePull: not found \(and 2 more pods\); check the option image/),
      },
    ]);
    world.become({ phase: 'running' });
    expect(told(client)).toEqual(['error IMAGE_PULL_FAILED', 'info IMAGE_PULL_FAILED']);
  });

  it('not when it passes at once', () => {
    const { world, client } = start();
    world.demand(client, 1);
    world.become({ trouble });
    world.pass(1_000);
    world.become({ phase: 'running' });
    expect(client.diagnoses).toEqual([]);
  });

  it('as a warning while others run', () => {
    const { world, client } = start();
    world.demand(client, 2);
    world.become({ phase: 'running' }, 'p-0');
    world.become({ trouble: { code: 'POOL_UNSCHEDULABLE', message: '0/2 nodes are available' } }, 'p-1');
    world.pass(2_000);
    expect(told(client)).toEqual(['warning POOL_UNSCHEDULABLE']);
    expect(client.diagnoses[0]?.message).toContain('a worker asks for 1 CPU and 1Gi of memory');
  });

  it('not when nobody waits, and takes back pods that never ran', () => {
    const { world, client } = start();
    world.demand(client, 1);
    world.become({ trouble });
    world.pass(2_000);
    world.demand(client, 0);
    expect(told(client)).toEqual(['error IMAGE_PULL_FAILED', 'info IMAGE_PULL_FAILED']);
    world.pass(6_000);
    expect(world.removed).toEqual(['p-0']);
    expect(client.changes).toEqual([]);
  });

  it('and leaves alone what another client waits for', () => {
    const world = new PoolWorld();
    const [one, other] = [world.client(), world.client()];
    world.lookAll();
    world.demand(one, 1);
    world.lookAll();
    world.demand(other, 1);
    world.demand(other, 0);
    world.pass(20_000);
    expect(world.removed).toEqual([]);
  });

  it('asks the events of pods that are silent', () => {
    const { world, client } = start();
    world.demand(client, 1);
    world.lookAll();
    world.pass(3_000);
    expect(client.examined).toEqual(['p-0']);
    const volume = { code: 'WORKER_VOLUME_FAILED', message: 'pod p-0: FailedMount: secret not found' } as const;
    world.tell(client, { type: 'examined', uid: [...world.pods.values()][0]?.uid as string, trouble: volume });
    expect(told(client)).toEqual(['error WORKER_VOLUME_FAILED']);
  });

  it('within ten seconds, whatever the cause', () => {
    const { world, client } = start();
    world.demand(client, 1);
    world.lookAll();
    world.pass(9_000);
    expect(told(client)).toEqual(['warning WORKER_START_SLOW']);
    world.become({ phase: 'running' });
    expect(told(client)).toEqual(['warning WORKER_START_SLOW', 'info WORKER_START_SLOW']);
  });

  it('when creations are refused, and tries again', () => {
    const { world, client } = start();
    world.refusal = { code: 'POOL_QUOTA_EXCEEDED', message: 'cannot create a worker pod: exceeded quota: pods' };
    world.demand(client, 2);
    expect(told(client)).toEqual(['error POOL_QUOTA_EXCEEDED']);
    world.pass(20_000);
    expect(told(client)).toEqual(['error POOL_QUOTA_EXCEEDED']);
    world.refusal = undefined;
    world.pass(6_000);
    expect(world.names()).toHaveLength(2);
    expect(told(client).slice(0, 2)).toEqual(['error POOL_QUOTA_EXCEEDED', 'info POOL_QUOTA_EXCEEDED']);
  });

  it('when the API is away, makes nothing meanwhile, and goes on after', () => {
    const { world, client } = start();
    world.tell(client, { type: 'api', trouble: { code: 'KUBE_UNREACHABLE', message: 'no answer' } });
    world.demand(client, 1);
    expect([told(client), world.creations]).toEqual([['error KUBE_UNREACHABLE'], 0]);
    world.tell(client, { type: 'api', trouble: undefined });
    expect([told(client).at(-1), world.creations]).toEqual(['info KUBE_UNREACHABLE', 1]);
  });
});

it('gives up a worker that does not start in time, and tries another', () => {
  const { world, client } = start({ startTimeoutSeconds: 20 });
  world.demand(client, 1);
  world.lookAll();
  world.pass(21_000);
  expect(world.removed).toEqual(['p-0']);
  world.pass(2_000);
  world.lookAll();
  expect(world.creations).toBe(2);
  expect(told(client)).toContain('warning WORKER_START_FAILED');
});
