import fc from 'fast-check';
import { expect, it } from 'vitest';
import { executorPrefix, jobDescriptorKey, jobPrefix, parseJobDescriptorKey } from './storage-keys.ts';

const jobs = fc.record({
  executorId: fc.stringMatching(/^[a-z][a-z0-9]{0,12}$/),
  jobNumber: fc.integer({ min: 1, max: 20_000_000 }),
});

it.each([
  [{ executorId: 'abc', jobNumber: 1 }],
  [{ executorId: 'abc', jobNumber: 10 }],
  [{ executorId: 'abc1', jobNumber: 1 }],
  [{ executorId: 'abc', jobNumber: 1_000_000 }],
  [{ executorId: 'abc', jobNumber: 10_000_000 }],
])('the prefix of %o is its own', (job) => {
  const others = [1, 10, 11, 100, 1_000_000, 10_000_000].flatMap((jobNumber) =>
    ['abc', 'abc1', 'abc10'].map((executorId) => ({ executorId, jobNumber })),
  );
  const below = others.filter((other) => jobDescriptorKey(other).startsWith(jobPrefix(job)));
  expect(below).toEqual([job]);
});

it('no prefix of a job or executor holds a key of another, however alike they are', () => {
  fc.assert(
    fc.property(jobs, jobs, (one, other) => {
      const sameExecutor = one.executorId === other.executorId;
      const key = jobDescriptorKey(other);
      expect(key.startsWith(executorPrefix(one.executorId))).toBe(sameExecutor);
      expect(key.startsWith(jobPrefix(one))).toBe(sameExecutor && one.jobNumber === other.jobNumber);
    }),
  );
});

it('a descriptor’s key tells its job', () => {
  const job = { executorId: 'abcdefghijkl', jobNumber: 1_234_567 };
  expect(parseJobDescriptorKey(jobDescriptorKey(job))).toEqual(job);
});
