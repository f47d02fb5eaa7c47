import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { StatusEvent } from '@splitrock/core/plugin';
import type { WithFixture } from './monitoring-conformance.ts';
import { plain } from './monitoring-fixture.ts';
import { everyKindOfEvent, finishedCall, lifeOfCall } from './status-samples.ts';

export function describePublishing(withFixture: WithFixture): void {
  describe('publishing', () => {
    it(
      'brings every kind of event and outcome unchanged and in order',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const events = everyKindOfEvent(workerId);
        const { recorder } = await fixture.listen(job);
        await (await fixture.publisher(workerId)).publish(job, events);
        await recorder.until(() => recorder.events.length >= events.length, 'all events');
        expect(plain(recorder.events.slice(0, events.length))).toEqual(plain(events));
        expect(recorder.troubles).toEqual([]);
      }),
    );

    it(
      'makes events durable before it resolves: whoever subscribes later sees them, also when the publisher is gone',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const publisher = await fixture.publisher(workerId);
        await publisher.publish(job, lifeOfCall(workerId, 0));
        await publisher.close();
        const { recorder, subscription } = await fixture.listen(job);
        await subscription.refresh();
        expect(plain(recorder.historyOf(0, workerId))).toEqual(plain(lifeOfCall(workerId, 0)));
      }),
    );

    it(
      'takes concurrent publications and keeps the order of each call’s events',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const { recorder } = await fixture.listen(job);
        const publisher = await fixture.publisher(workerId);
        // Each call's events come one by one, not waited for, mixed with those of all other calls.
        const lives = Array.from({ length: 200 }, (_, callId) => lifeOfCall(workerId, callId));
        const publications = [0, 1, 2].flatMap((step) =>
          lives.map((life) => publisher.publish(job, [life[step] as StatusEvent])),
        );
        await Promise.all(publications);
        await recorder.untilFinished(lives.length);
        for (const [callId, life] of lives.entries()) {
          expect(plain(recorder.historyOf(callId, workerId))).toEqual(plain(life));
        }
      }),
    );

    it(
      'accepts no events at all',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const { recorder, subscription } = await fixture.listen(job);
        await (await fixture.publisher(workerId)).publish(job, []);
        await subscription.refresh();
        expect(recorder.events).toEqual([]);
      }),
    );

    it(
      'brings one publication of many events and large inline results whole',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const { recorder } = await fixture.listen(job);
        const events = Array.from({ length: 25_000 }, (_, callId) => finishedCall(workerId, callId));
        const inline = new Uint8Array(1_500_000).fill(7);
        const large = [0, 1, 2].map((attempt) => ({
          ...finishedCall(workerId, 25_000, attempt + 1),
          outcome: { kind: 'value', inline } as const,
        }));
        await (await fixture.publisher(workerId)).publish(job, [...events, ...large]);
        await recorder.untilFinished(events.length + large.length);
        const last = recorder.historyOf(25_000, workerId, 3)[0];
        expect(
          last?.type === 'finished' &&
            last.outcome.kind === 'value' &&
            'inline' in last.outcome &&
            last.outcome.inline.length,
        ).toBe(inline.length);
      }),
    );

    it(
      'lets one publisher serve many jobs at once',
      withFixture(async (fixture) => {
        const workerId = fixture.newWorkerId();
        const publisher = await fixture.publisher(workerId);
        const jobs = Array.from({ length: 10 }, () => fixture.newJob());
        const listening = await Promise.all(jobs.map((job) => fixture.listen(job)));
        await Promise.all(jobs.map((job, index) => publisher.publish(job, lifeOfCall(workerId, index))));
        await Promise.all(listening.map(({ recorder }) => recorder.untilFinished(1)));
        for (const [index, { recorder }] of listening.entries()) {
          expect(new Set(recorder.events.map((event) => event.callId))).toEqual(new Set([index]));
        }
      }),
    );

    it(
      'publishes what is buffered when it closes, and closes as often as asked',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const publisher = await fixture.publisher(workerId);
        const publications = Array.from({ length: 50 }, (_, callId) =>
          publisher.publish(job, [finishedCall(workerId, callId)]),
        );
        let settled = 0;
        const count = (): void => void (settled += 1);
        for (const publication of publications) void publication.then(count, count);
        await Promise.all([publisher.close(), publisher.close()]);
        await publisher.close();
        await nextTurn();
        expect(settled).toBe(publications.length);
        await Promise.all(publications);
        const { recorder, subscription } = await fixture.listen(job);
        await subscription.refresh();
        expect(recorder.finishedCalls).toBe(50);
      }),
    );

    it(
      'rejects what is published after it closed',
      withFixture(async (fixture) => {
        const [job, workerId] = [fixture.newJob(), fixture.newWorkerId()];
        const publisher = await fixture.publisher(workerId);
        await publisher.close();
        await expect(publisher.publish(job, [finishedCall(workerId, 0)])).rejects.toBeInstanceOf(Error);
      }),
    );
  });
}
