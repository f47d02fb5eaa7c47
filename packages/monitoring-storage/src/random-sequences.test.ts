/** Random histories of publishers, outages, lost answers, refreshes and time, over a watched and a polled storage. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StorageError, type StatusEvent, type StatusSubscription } from '@splitrock/core/plugin';
import { JOB, MonitoringWorld, finished } from '../test/monitoring-world.ts';

const WORKERS = ['w1', 'w2', 'w3'];
const outage = () => {
  throw new StorageError('STORAGE_UNAVAILABLE', 'The store is away.', { retryable: true });
};

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('publish'), worker: fc.nat(2), events: fc.integer({ min: 1, max: 5 }) }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.nat(3_000) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom('outage', 'lose answers', 'recover', 'refresh', 'subscribe') }),
    },
  ),
  { maxLength: 40 },
);

/** Subscribes; `seen` holds call ids with their workers in the order of their first sighting. */
async function listen(
  world: MonitoringWorld,
): Promise<{ seen: Map<number, string>; subscription: StatusSubscription }> {
  const seen = new Map<number, string>();
  const note = ({ callId, workerId }: StatusEvent) => void seen.set(callId, seen.get(callId) ?? workerId);
  const subscription = await world.subscriber().subscribe(
    JOB,
    (events) => events.forEach(note),
    () => undefined,
  );
  return { seen, subscription };
}

it.each([true, false])(
  'show everything whose publication resolved, in order (watched: %s)',
  async (watched) => {
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const world = new MonitoringWorld({ watched, maxSegmentEvents: 3, parallelReads: 3, retryForMs: 500 });
        const publishers = WORKERS.map((id) => world.publisher(id));
        const durable = new Set<number>();
        const publications: Promise<unknown>[] = [];
        const listeners = [await listen(world)];
        let callId = 0;
        for (const step of history) {
          if ('worker' in step) {
            const ids = Array.from({ length: step.events }, () => callId++);
            const worker = WORKERS[step.worker] as string;
            const published = publishers[step.worker]?.publish(
              JOB,
              ids.map((id) => finished(id, worker)),
            );
            publications.push(
              (published as Promise<void>).then(
                () => ids.forEach((id) => durable.add(id)),
                () => undefined,
              ),
            );
          } else if ('ms' in step) await world.clock.advance(step.ms);
          else if (step.do === 'outage') world.storage.before = outage;
          else if (step.do === 'lose answers') world.storage.after = outage;
          else if (step.do === 'refresh') listeners[0]?.subscription.refresh().catch(() => undefined);
          else if (step.do === 'subscribe') listeners.push(await listen(world));
          else world.storage.before = world.storage.after = () => undefined;
        }
        world.storage.before = world.storage.after = () => undefined;
        await world.clock.advance(2_000);
        await Promise.all(publications);
        listeners.push(await listen(world));
        for (const { seen, subscription } of listeners) {
          await subscription.refresh();
          const missed = [...durable].filter((id) => !seen.has(id));
          expect(missed).toEqual([]);
          for (const worker of WORKERS) {
            const ofWorker = [...seen].filter(([, workerId]) => workerId === worker).map(([id]) => id);
            expect(ofWorker).toEqual(ofWorker.toSorted((left, right) => left - right));
          }
          await subscription.close();
        }
        expect(world.clock.pendingTimers).toBe(0);
      }),
      { numRuns: 150 },
    );
  },
  60_000,
);
