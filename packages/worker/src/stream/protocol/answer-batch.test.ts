import { describe, expect, it } from 'vitest';
import { AnswerBatch } from './answer-batch.ts';

describe('AnswerBatch', () => {
  it('is empty until something is said, and again once it was taken', () => {
    const batch = new AnswerBatch();
    expect(batch.isEmpty).toBe(true);
    batch.started(1, 0);
    expect(batch.isEmpty).toBe(false);
    expect(batch.take()).toEqual([['started', 1, 0, 1]]);
    expect(batch.isEmpty).toBe(true);
    expect(batch.take()).toEqual([]);
  });

  it('joins answers for the same lease, whatever order two slots give them in', () => {
    const batch = new AnswerBatch();
    for (let index = 0; index < 100; index += 1) {
      batch.done(1, index);
      batch.done(1, 100 + index);
      batch.done(2, index);
    }
    expect(batch.take()).toEqual([
      ['done', 1, 0, 200],
      ['done', 2, 0, 100],
    ]);
  });

  it('does not say that a call began that is already done', () => {
    const batch = new AnswerBatch();
    batch.started(1, 0);
    batch.started(1, 1);
    batch.done(1, 0);
    expect(batch.take()).toEqual([
      ['started', 1, 1, 2],
      ['done', 1, 0, 1],
    ]);
  });

  it('gives calls back so that putting each before the others restores their order', () => {
    const batch = new AnswerBatch();
    for (const callId of [0, 1, 5, 6]) batch.givenBack(1, callId, undefined);
    batch.givenBack(2, 7, undefined);
    expect(batch.take()).toEqual([
      ['given-back', 2, 7, 8],
      ['given-back', 1, 5, 7],
      ['given-back', 1, 0, 2],
    ]);
  });

  it('keeps the reason of each call that was lost', () => {
    const batch = new AnswerBatch();
    const reason = { kind: 'crash', message: 'slot process 12 was killed by SIGSEGV' } as const;
    batch.givenBack(3, 9, reason);
    expect(batch.take()).toEqual([['given-back', 3, 9, 10, reason]]);
  });
});
