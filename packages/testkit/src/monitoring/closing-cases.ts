import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { WithFixture } from './monitoring-conformance.ts';
import { finishedCall } from './status-samples.ts';

export function describeRefreshAndClose(withFixture: WithFixture): void {
  describe('refreshing', () => {
    it(
      'has delivered, when it resolves, all that was durable when it was called',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const { recorder, subscription } = await fixture.listen(job, { replay: false });
        const publisher = await fixture.publisher(workerId);
        for (let round = 1; round <= 25; round += 1) {
          await publisher.publish(job, [finishedCall(workerId, round)]);
          await subscription.refresh();
          expect(recorder.finishedCalls).toBe(round);
        }
      }),
    );

    it(
      'does so while other events keep coming, and for many who ask at once',
      withFixture(async (fixture) => {
        const [job, workerId, busyId] = [fixture.newJob(), fixture.newWorkerId(), fixture.newWorkerId()];
        const { recorder, subscription } = await fixture.listen(job);
        const [publisher, busy] = [await fixture.publisher(workerId), await fixture.publisher(busyId)];
        const stop = new AbortController();
        const noise = (async () => {
          for (let callId = 0; !stop.signal.aborted; callId += 1) {
            await busy.publish(job, [finishedCall(busyId, callId)]);
            // A publisher that resolves without doing anything must fail here, not starve the event loop.
            await nextTurn();
          }
        })();
        for (let callId = 0; callId < 10; callId += 1) {
          const event = finishedCall(workerId, callId);
          await publisher.publish(job, [event]);
          await Promise.all([subscription.refresh(), subscription.refresh(), subscription.refresh()]);
          expect(recorder.hasFinished(event)).toBe(true);
        }
        stop.abort();
        await noise;
      }),
    );

    it(
      'resolves when there is nothing',
      withFixture(async (fixture) => {
        const { recorder, subscription } = await fixture.listen(fixture.newJob());
        await subscription.refresh();
        expect(recorder.events).toEqual([]);
        expect(recorder.troubles).toEqual([]);
      }),
    );

    it(
      'rejects with the signal’s reason when it is aborted, and leaves the subscription alone',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const { recorder, subscription } = await fixture.listen(job);
        const reason = new Error('no time');
        await expect(subscription.refresh({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
        await (await fixture.publisher(workerId)).publish(job, [finishedCall(workerId, 0)]);
        await recorder.untilFinished(1);
      }),
    );
  });

  describe('removing', () => {
    it('takes what the transport keeps of the jobs that are named, of no others, and may be repeated', async ({
      skip,
    }) => {
      await withFixture(async (fixture) => {
        const [job, other] = [fixture.newJob(), fixture.newJob()];
        const workerId = fixture.newWorkerId();
        const publisher = await fixture.publisher(workerId);
        for (const each of [job, other]) await publisher.publish(each, [finishedCall(workerId, 0)]);
        const subscriber = await fixture.subscriber(job);
        skip(subscriber.clean === undefined, 'the transport keeps nothing outside the job’s storage');
        await subscriber.clean?.([job]);
        const again = await subscriber.clean?.([job]);
        expect(Object.values(again?.removed ?? {}).filter((count) => count !== 0)).toEqual([]);
        const { recorder } = await fixture.listen(other);
        await recorder.untilFinished(1);
        const nobody = await subscriber.clean?.([fixture.newJob()]);
        expect(Object.values(nobody?.removed ?? {}).filter((count) => count !== 0)).toEqual([]);
        await subscriber.clean?.([other]);
      })();
    });
  });

  describe('closing', () => {
    it(
      'delivers nothing after a subscription closed, however often it is closed',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const [closed, open] = [await fixture.listen(job), await fixture.listen(job)];
        const publisher = await fixture.publisher(workerId);
        await publisher.publish(job, [finishedCall(workerId, 0)]);
        await Promise.all([closed.subscription.close(), closed.subscription.close()]);
        await closed.subscription.close();
        const seen = closed.recorder.events.length;
        for (let callId = 1; callId < 10; callId += 1) await publisher.publish(job, [finishedCall(workerId, callId)]);
        await open.recorder.untilFinished(10);
        await open.subscription.refresh();
        expect(closed.recorder.events).toHaveLength(seen);
      }),
    );

    it(
      'delivers nothing after a subscription closed in the middle of a replay',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const publisher = await fixture.publisher(workerId);
        for (let callId = 0; callId < 100; callId += 1) await publisher.publish(job, [finishedCall(workerId, callId)]);
        const { recorder, subscription } = await fixture.listen(job);
        await recorder.untilFinished(1);
        await subscription.close();
        const seen = recorder.events.length;
        const again = await fixture.listen(job);
        await again.recorder.untilFinished(100);
        expect(recorder.events).toHaveLength(seen);
      }),
    );

    it(
      'refuses to refresh a closed subscription',
      withFixture(async (fixture) => {
        const { subscription } = await fixture.listen(fixture.newJob());
        await subscription.close();
        await expect(subscription.refresh()).rejects.toBeInstanceOf(Error);
      }),
    );

    it(
      'ends all subscriptions with their subscriber, and subscribes no more',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const subscriber = await fixture.subscriber(job);
        const ended = [await fixture.listen(job, {}, subscriber), await fixture.listen(job, {}, subscriber)];
        await Promise.all([subscriber.close(), subscriber.close()]);
        const witness = await fixture.listen(job);
        await (await fixture.publisher(workerId)).publish(job, [finishedCall(workerId, 0)]);
        await witness.recorder.untilFinished(1);
        for (const { recorder } of ended) expect(recorder.events).toEqual([]);
        await expect(fixture.listen(job, {}, subscriber)).rejects.toBeInstanceOf(Error);
      }),
    );
  });
}
