import { ManualClock } from '@splitrock/testkit';
import { describe, expect, it } from 'vitest';
import { BrokerPatience, PATIENCE_MS } from './broker-patience.ts';

const never = new Promise<never>(() => {});

function start(): { clock: ManualClock; patience: BrokerPatience } {
  const clock = new ManualClock();
  return { clock, patience: new BrokerPatience(clock, () => new Error('the broker is away')) };
}

describe('patience with a broker', () => {
  it('has no end while it is there', async () => {
    const { clock, patience } = start();
    patience.back();
    let done: (value: string) => void = () => {};
    const waiting = patience.shortly(new Promise<string>((resolve) => (done = resolve)));
    await clock.advance(10 * PATIENCE_MS);
    done('done');
    expect(await waiting).toBe('done');
  });

  it('ends when it has been away for long, for those as well who would wait on', async () => {
    const { clock, patience } = start();
    patience.back();
    const givenUp = Promise.allSettled([patience.patiently(never), patience.shortly(never)]);
    patience.away();
    await clock.advance(PATIENCE_MS - 1);
    patience.away();
    await clock.advance(1);
    const reason = new Error('the broker is away');
    expect(await givenUp).toEqual([
      { status: 'rejected', reason },
      { status: 'rejected', reason },
    ]);
  });

  it('begins anew when it was back in between', async () => {
    const { clock, patience } = start();
    let isOver = false;
    const waiting = patience.shortly(never).catch(() => (isOver = true));
    await clock.advance(PATIENCE_MS - 1);
    patience.back();
    patience.away();
    await clock.advance(PATIENCE_MS - 1);
    expect(isOver).toBe(false);
    await clock.advance(1);
    await waiting;
  });

  it('ends at once when the broker refuses us', async () => {
    const { patience } = start();
    patience.away(true);
    await expect(patience.shortly(never)).rejects.toThrow('the broker is away');
  });

  it('is not lost by those who only submit', async () => {
    const { clock, patience } = start();
    let done: (value: string) => void = () => {};
    const submission = patience.patiently(new Promise<string>((resolve) => (done = resolve)));
    await clock.advance(100 * PATIENCE_MS);
    patience.back();
    done('stored');
    expect(await submission).toBe('stored');
  });
});
