import { describe, expect, it } from 'vitest';
import type { WithFixture } from './monitoring-conformance.ts';
import { plain } from './monitoring-fixture.ts';
import { finishedCall, lifeOfCall } from './status-samples.ts';

export function describeSubscribing(withFixture: WithFixture): void {
  describe('subscribing', () => {
    it(
      'misses nothing that is published from the moment it resolves, with or without replay',
      withFixture(async (fixture) => {
        const workerId = fixture.newWorkerId();
        const publisher = await fixture.publisher(workerId);
        for (let round = 0; round < 20; round += 1) {
          const job = fixture.newJob();
          const { recorder, subscription } = await fixture.listen(job, { replay: round % 2 === 0 });
          await publisher.publish(job, [finishedCall(workerId, round)]);
          await recorder.untilFinished(1);
          await subscription.close();
          expect(recorder.troubles).toEqual([]);
        }
      }),
    );

    it(
      'misses nothing while events are published all the time it subscribes',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const publisher = await fixture.publisher(workerId);
        let listening: ReturnType<typeof fixture.listen> | undefined;
        for (let callId = 0; callId < 100; callId += 1) {
          if (callId === 50) listening = fixture.listen(job);
          await publisher.publish(job, [finishedCall(workerId, callId)]);
        }
        const { recorder } = (await listening) as Awaited<ReturnType<typeof fixture.listen>>;
        await recorder.untilFinished(100);
        expect(recorder.troubles).toEqual([]);
      }),
    );

    it(
      'brings a late subscriber everything, by default and on demand',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const publisher = await fixture.publisher(workerId);
        for (let callId = 0; callId < 40; callId += 1) await publisher.publish(job, lifeOfCall(workerId, callId));
        const both = await Promise.all([fixture.listen(job), fixture.listen(job, { replay: true })]);
        for (const { recorder } of both) {
          await recorder.untilFinished(40);
          expect(plain(recorder.historyOf(39, workerId))).toEqual(plain(lifeOfCall(workerId, 39)));
        }
      }),
    );

    it(
      'brings everything again to whoever subscribes again',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const subscriber = await fixture.subscriber(job);
        const publisher = await fixture.publisher(workerId);
        for (let round = 1; round <= 3; round += 1) {
          await publisher.publish(job, [finishedCall(workerId, round)]);
          const { recorder, subscription } = await fixture.listen(job, {}, subscriber);
          await recorder.untilFinished(round);
          await subscription.close();
          expect(recorder.troubles).toEqual([]);
        }
      }),
    );

    it(
      'serves several subscriptions to one job, each with everything',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const subscriber = await fixture.subscriber(job);
        const same = [await fixture.listen(job, {}, subscriber), await fixture.listen(job, {}, subscriber)];
        const listening = [...same, await fixture.listen(job)];
        const publisher = await fixture.publisher(workerId);
        await Promise.all(
          Array.from({ length: 30 }, (_, callId) => publisher.publish(job, [finishedCall(workerId, callId)])),
        );
        await Promise.all(listening.map(({ recorder }) => recorder.untilFinished(30)));
        expect(listening.flatMap(({ recorder }) => recorder.troubles)).toEqual([]);
      }),
    );

    it(
      'gathers the events of many workers, those of one attempt in order',
      withFixture(async (fixture) => {
        const job = fixture.newJob();
        const { recorder } = await fixture.listen(job);
        const workers = Array.from({ length: 12 }, () => fixture.newWorkerId());
        await Promise.all(
          workers.map(async (workerId) => {
            const publisher = await fixture.publisher(workerId);
            for (let callId = 0; callId < 20; callId += 1) {
              await Promise.all(lifeOfCall(workerId, callId).map((event) => publisher.publish(job, [event])));
            }
          }),
        );
        await recorder.untilFinished(workers.length * 20);
        for (const workerId of workers) {
          expect(plain(recorder.historyOf(7, workerId))).toEqual(plain(lifeOfCall(workerId, 7)));
        }
        expect(recorder.troubles).toEqual([]);
      }),
    );

    it(
      'keeps attempts apart',
      withFixture(async (fixture) => {
        const [job, first, second] = [fixture.newJob(), fixture.newWorkerId(), fixture.newWorkerId()];
        const { recorder } = await fixture.listen(job);
        await (await fixture.publisher(first)).publish(job, lifeOfCall(first, 3, 1));
        await (await fixture.publisher(second)).publish(job, lifeOfCall(second, 3, 2));
        await recorder.untilFinished(2);
        expect(plain(recorder.historyOf(3, first, 1))).toEqual(plain(lifeOfCall(first, 3, 1)));
        expect(plain(recorder.historyOf(3, second, 2))).toEqual(plain(lifeOfCall(second, 3, 2)));
      }),
    );

    it(
      'notices a worker that begins after others have long been silent',
      withFixture(async (fixture) => {
        const [job, early, late] = [fixture.newJob(), fixture.newWorkerId(), fixture.newWorkerId()];
        const { recorder, subscription } = await fixture.listen(job);
        await (await fixture.publisher(early)).publish(job, [finishedCall(early, 0)]);
        await recorder.untilFinished(1);
        for (let look = 0; look < 5; look += 1) await subscription.refresh();
        await (await fixture.publisher(late)).publish(job, [finishedCall(late, 1)]);
        await recorder.untilFinished(2);
        expect(recorder.troubles).toEqual([]);
      }),
    );

    it(
      'rejects with the signal’s reason when it is aborted',
      withFixture(async (fixture) => {
        const job = fixture.newJob();
        const reason = new Error('changed my mind');
        await expect(fixture.listen(job, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      }),
    );

    it(
      'goes on after the signal of its subscribing is aborted: that was for subscribing only',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const controller = new AbortController();
        const { recorder } = await fixture.listen(job, { signal: controller.signal });
        controller.abort();
        await (await fixture.publisher(workerId)).publish(job, [finishedCall(workerId, 0)]);
        await recorder.untilFinished(1);
        expect(recorder.troubles).toEqual([]);
      }),
    );
  });
}
