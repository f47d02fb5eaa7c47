import { describe, expect, it } from 'vitest';
import type { CallMessage } from '../protocol/call-message.ts';
import { CallPace } from './call-pace.ts';
import { HeldMessage } from './held-message.ts';

const message: CallMessage = {
  job: { executorId: 'abcdefghijkl', jobNumber: 1 },
  calls: { from: 0, to: 10 },
  attempt: 1,
  submittedAtMs: 0,
  deaths: 0,
  part: { firstCall: 0, calls: 10 },
};
const hold = (): HeldMessage => new HeldMessage('id', message, 0);

describe('HeldMessage', () => {
  it('is over when each call was taken and answered once', () => {
    const held = hold();
    expect(held.take(4)).toEqual({ from: 0, to: 4 });
    expect(held.take(100)).toEqual({ from: 4, to: 10 });
    expect(held.take(1)).toBeUndefined();
    expect(held.answer(3)).toBe(true);
    expect(held.answer(3)).toBe(false);
    for (const callId of [0, 1, 2, 4, 5, 6, 7, 8]) held.answer(callId);
    expect(held.isOver).toBe(false);
    held.answer(9);
    expect(held.isOver).toBe(true);
  });

  it('lets go of the last calls that wait, and is not over while they are on their way', () => {
    const held = hold();
    held.take(2);
    expect(held.leave(3)).toEqual([{ from: 5, to: 10 }]);
    held.leaving();
    expect(held.backlogCalls).toBe(3);
    held.take(3);
    for (const callId of [0, 1, 2, 3, 4]) held.answer(callId);
    expect(held.isOver).toBe(false);
    held.left();
    expect(held.isOver).toBe(true);
  });

  it('keeps only calls that are wanted', () => {
    const held = hold();
    held.keep(() => [{ from: 6, to: 8 }]);
    expect(held.take(100)).toEqual({ from: 6, to: 8 });
    expect(held.take(100)).toBeUndefined();
  });
});

describe('CallPace', () => {
  it('holds one message for each slot until calls turn out to be short, and a few more then', () => {
    const pace = new CallPace(4);
    expect(pace.messages).toBe(4);
    pace.ended(1);
    expect(pace.messages).toBe(12);
    for (let call = 0; call < 30; call += 1) pace.ended(5_000);
    expect(pace.messages).toBe(4);
  });

  it('sends away what would wait for long, in pieces of a tenth of a second of work', () => {
    const pace = new CallPace(2);
    expect(pace.stay(100, 0)).toBe(100);
    expect(pace.stay(100, 10_000)).toBe(0);
    expect(pace.pieceCalls(80)).toBe(10);
    pace.ended(20);
    expect(pace.stay(20, 10_000)).toBe(20);
    expect(pace.stay(100, 0)).toBe(25);
    expect(pace.pieceCalls(80)).toBe(5);
  });
});
