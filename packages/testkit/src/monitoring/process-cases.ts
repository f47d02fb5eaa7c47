import { expect, it } from 'vitest';
import type { WithFixture } from './monitoring-conformance.ts';
import { plain } from './monitoring-fixture.ts';
import { finishedCall, lifeOfCall } from './status-samples.ts';

const PROCESS_TEST_MS = 60_000;

export function describeOtherProcesses(withFixture: WithFixture): void {
  it(
    'brings the events of several other processes, those of one attempt in order',
    withFixture(async (fixture) => {
      const job = fixture.newJob();
      const { recorder } = await fixture.listen(job);
      const publishers = await Promise.all([1, 2, 3].map(() => fixture.publisherProcess()));
      await Promise.all(
        publishers.map(async (publisher) => {
          for (let callId = 0; callId < 20; callId += 1)
            await publisher.publish(job, lifeOfCall(publisher.workerId, callId));
        }),
      );
      await recorder.untilFinished(60);
      for (const { workerId } of publishers) {
        expect(plain(recorder.historyOf(19, workerId))).toEqual(plain(lifeOfCall(workerId, 19)));
      }
    }),
    PROCESS_TEST_MS,
  );

  it(
    'shows everything whose publication resolved when the publisher is killed in the middle of its work',
    withFixture(async (fixture) => {
      const job = fixture.newJob();
      const live = await fixture.listen(job);
      const publisher = await fixture.publisherProcess();
      const flood = publisher.flood(job, { calls: Number.MAX_SAFE_INTEGER, atOnce: 8 });
      // The process is killed while publications are on their way; its last words are whatever it had told by then.
      flood.catch(() => undefined);
      await publisher.untilDurable(300);
      await publisher.kill();
      const late = await fixture.listen(job);
      for (const { recorder, subscription } of [live, late]) {
        await subscription.refresh();
        const lost = publisher.durableCalls.filter(
          (callId) => !recorder.hasFinished(finishedCall(publisher.workerId, callId)),
        );
        expect(lost).toEqual([]);
        expect(recorder.troubles).toEqual([]);
      }
    }),
    PROCESS_TEST_MS,
  );

  it(
    'goes on with other workers after one was killed',
    withFixture(async (fixture) => {
      const job = fixture.newJob();
      const { recorder } = await fixture.listen(job);
      const killed = await fixture.publisherProcess();
      await killed.publish(job, [finishedCall(killed.workerId, 0)]);
      await killed.kill();
      const other = await fixture.publisherProcess();
      await other.publish(job, [finishedCall(other.workerId, 0, 2)]);
      await recorder.untilFinished(2);
      expect(recorder.troubles).toEqual([]);
    }),
    PROCESS_TEST_MS,
  );

  it(
    'has delivered, when a refresh resolves, what another process had made durable before it',
    withFixture(async (fixture) => {
      const job = fixture.newJob();
      const { recorder, subscription } = await fixture.listen(job, { replay: false });
      const publisher = await fixture.publisherProcess();
      for (let round = 1; round <= 20; round += 1) {
        await publisher.publish(job, [finishedCall(publisher.workerId, round)]);
        await subscription.refresh();
        expect(recorder.finishedCalls).toBe(round);
      }
    }),
    PROCESS_TEST_MS,
  );

  it(
    'loses none of many calls from several processes at once',
    withFixture(async (fixture) => {
      const job = fixture.newJob();
      const { recorder } = await fixture.listen(job);
      const publishers = await Promise.all([1, 2].map(() => fixture.publisherProcess()));
      await Promise.all(publishers.map((publisher) => publisher.flood(job, { calls: 5_000, atOnce: 64 })));
      await recorder.untilFinished(10_000);
      expect(recorder.troubles).toEqual([]);
    }),
    PROCESS_TEST_MS,
  );
}
