import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crash, eviction, PoolWorld, someRoom, type Client } from '../../test/pool-world.ts';

type Step =
  | { readonly do: 'demand'; readonly client: number; readonly slots: number }
  | { readonly do: 'look'; readonly client: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'run' | 'fail' | 'evict' | 'leave' | 'vanish' | 'silence'; readonly pick: number }
  | { readonly do: 'refuse'; readonly isRefused: boolean }
  | { readonly do: 'api'; readonly isAway: boolean };

const client = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('demand' as const), client, slots: fc.nat(40) }),
  fc.record({ do: fc.constant('look' as const), client }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
  fc.record({ do: fc.constantFrom('run', 'run', 'fail', 'evict', 'leave', 'vanish', 'silence'), pick: fc.nat(50) }),
  fc.record({ do: fc.constant('refuse' as const), isRefused: fc.boolean() }),
  fc.record({ do: fc.constant('api' as const), isAway: fc.boolean() }),
);

const MAX_WORKERS = 6;
const SLOTS = 3;

function take(world: PoolWorld, step: Step): void {
  const { clients } = world;
  switch (step.do) {
    case 'demand':
      return world.demand(clients[step.client % clients.length] as Client, step.slots);
    case 'look':
      return world.look(clients[step.client % clients.length] as Client);
    case 'pass':
      return world.pass(step.ms);
    case 'refuse':
      world.refusal = step.isRefused ? { code: 'POOL_QUOTA_EXCEEDED', message: 'exceeded quota' } : undefined;
      return;
    case 'api':
      for (const each of clients) {
        const trouble = { code: 'KUBE_UNREACHABLE', message: 'no answer' } as const;
        world.tell(each, { type: 'api', trouble: step.isAway ? trouble : undefined });
      }
      return;
    default:
      return happen(world, step.do, step.pick);
  }
}

function happen(world: PoolWorld, what: 'run' | 'fail' | 'evict' | 'leave' | 'vanish' | 'silence', pick: number): void {
  const names = world.names();
  const name = names[pick % Math.max(1, names.length)];
  const phase = name === undefined ? undefined : world.pods.get(name)?.phase;
  if (name === undefined) return;
  if (what === 'run' && phase !== 'failed' && phase !== 'succeeded') return world.become({ phase: 'running' }, name);
  if (what === 'fail') return world.become({ phase: 'failed', death: crash() }, name);
  if (what === 'evict') return world.become({ phase: 'failed', death: eviction }, name);
  if (what === 'vanish') return world.vanish(name, eviction);
  if (phase !== 'running') return;
  world.become({ phase: what === 'leave' ? 'succeeded' : 'unreachable' }, name);
}

function expectSaneReports({ diagnoses }: Client): void {
  const told = new Map<string, string>();
  for (const { code, severity } of diagnoses) {
    expect(told.get(code), `${code} told twice`).not.toBe(severity);
    expect(severity === 'info' && !told.has(code), `${code} was over before it began`).toBe(false);
    if (severity === 'info') told.delete(code);
    else told.set(code, severity);
  }
}

function settle(world: PoolWorld): void {
  world.refusal = undefined;
  take(world, { do: 'api', isAway: false });
  for (let minute = 0; minute < 4; minute += 1) {
    world.pass(70_000, 5_000);
    world.become({ phase: 'running' }, ...world.names('pending', 'unreachable', 'running'));
  }
}

describe('whatever happens to a pool', () => {
  it.each([
    ['of one client', 1, {}],
    ['of two clients', 2, {}],
    ['with a worker on each node', 1, { sizing: { kind: 'per-node', maxProcesses: SLOTS }, slots: {} }],
  ])('%s, it meets its demand in the end, within its maximum, and all that was told is over', (_name, count, given) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (steps, demand) => {
        const world = new PoolWorld();
        for (let made = 0; made < count; made += 1) {
          const each = world.client({ maxWorkers: MAX_WORKERS, slots: { workerProcesses: SLOTS }, ...given });
          world.rooms(
            each,
            ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => someRoom(name, 4)),
          );
        }
        world.lookAll();
        for (const each of steps) {
          take(world, each);
          // Silent pods may come back, and clients that know different things may overlap for a while.
          const most = MAX_WORKERS * count * (1 + silent(steps));
          expect(world.names('pending', 'running').length).toBeLessThanOrEqual(most);
        }
        const [first] = world.clients as [Client];
        for (const each of world.clients) world.demand(each, demand);
        settle(world);
        const slots = world.names('running').length * SLOTS;
        expect(slots).toBeGreaterThanOrEqual(Math.min(demand, MAX_WORKERS * SLOTS));
        for (const each of world.clients) world.demand(each, 0);
        settle(world);
        for (const each of world.clients) {
          expectSaneReports(each);
          // The end of a worker is told once.
          expect(each.changes.length).toBeLessThanOrEqual(world.creations);
          expect(each.wakeAtMs, 'a pool at rest has no timer').toBe(undefined);
        }
        expect(openCodes(first)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

const silent = (steps: readonly Step[]): number => steps.filter(({ do: what }) => what === 'silence').length;

function openCodes({ diagnoses }: Client): readonly string[] {
  const last = new Map(diagnoses.map(({ code, severity }) => [code, severity]));
  return [...last].filter(([, severity]) => severity !== 'info').map(([code]) => code);
}
