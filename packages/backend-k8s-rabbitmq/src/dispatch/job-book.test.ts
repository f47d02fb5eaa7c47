import type { JobRef } from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import { JobBook } from './job-book.ts';

const job: JobRef = { executorId: 'abcdefghijkl', jobNumber: 1 };
const reason = { kind: 'crash', message: 'it crashed' } as const;
const calls = (from: number, to: number): { from: number; to: number } => ({ from, to });

describe('JobBook', () => {
  it('tells which calls are open, whoever submitted them', () => {
    const book = new JobBook();
    book.read({ type: 'submitted', job, calls: calls(0, 10), attempt: 1 });
    book.read({ type: 'submitted', job, calls: calls(10, 20), attempt: 1 });
    book.read({ type: 'lost', job, calls: [calls(3, 5)], attempt: 1, reason });
    expect(book.adopt(job)).toEqual([calls(0, 3), calls(5, 20)]);
  });

  it('reports a loss of what this client waits for, once', () => {
    const book = new JobBook();
    book.submit(job, 1, calls(0, 10));
    const lost = { type: 'lost', job, calls: [calls(8, 12)], attempt: 1, reason } as const;
    expect(book.read(lost)).toEqual([{ job, attempt: 1, calls: [calls(8, 10)], reason }]);
    expect(book.read(lost)).toEqual([]);
  });

  it('reports nothing of other clients’ jobs, of ended ones, or of cancelled calls', () => {
    const book = new JobBook();
    const lost = { type: 'lost', job, calls: [calls(0, 10)], attempt: 1, reason } as const;
    book.read({ type: 'submitted', job, calls: calls(0, 10), attempt: 1 });
    expect(book.read(lost)).toEqual([]);
    const own = { ...job, jobNumber: 2 };
    book.submit(own, 1, calls(0, 10));
    book.cancel(own, { calls: [calls(0, 9)], attempt: 1 });
    book.cancel(own, { attempt: 2 });
    expect(book.read({ ...lost, job: own })).toMatchObject([{ calls: [calls(9, 10)] }]);
    book.submit(own, 2, calls(0, 1));
    book.unwatch(own);
    expect(book.read({ ...lost, job: own, attempt: 2 })).toEqual([]);
  });

  it('knows a loss that is told before the submission', () => {
    const book = new JobBook();
    book.read({ type: 'lost', job, calls: [calls(2, 3)], attempt: 1, reason });
    book.read({ type: 'submitted', job, calls: calls(0, 4), attempt: 1 });
    expect(book.adopt(job)).toEqual([calls(0, 2), calls(3, 4)]);
  });

  it('reports all that is open when the queue is removed under it, and begins anew', () => {
    const book = new JobBook();
    book.submit(job, 1, calls(0, 2));
    book.submit(job, 2, calls(5, 6));
    expect(book.read({ type: 'removed', job })).toMatchObject([
      { attempt: 1, calls: [calls(0, 2)] },
      { attempt: 2, calls: [calls(5, 6)] },
    ]);
    expect([...book.jobs()]).toEqual([]);
    expect(book.adopt(job)).toEqual([]);
  });

  it('lists the jobs that are in the broker', () => {
    const book = new JobBook();
    book.read({ type: 'job', job, weight: 1, descriptor: new Uint8Array() });
    expect([...book.jobs()]).toEqual([{ ref: job, ended: false }]);
    book.read({ type: 'ended', job });
    expect([...book.jobs()]).toEqual([{ ref: job, ended: true }]);
  });
});
