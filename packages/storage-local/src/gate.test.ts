import { expect, it } from 'vitest';
import { Gate } from './gate.ts';

it('runs so many at once and no more, in order, whatever fails', async () => {
  const gate = new Gate(3);
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      gate.run(async () => {
        order.push(index);
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        running--;
        if (index % 4 === 0) throw new Error(`operation ${index} failed`);
        return index;
      }),
    ),
  );
  expect(most).toBe(3);
  expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(5);
});
