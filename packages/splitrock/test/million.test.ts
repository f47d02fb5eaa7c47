import { expect, it } from 'vitest';
import { FunctionExecutor } from 'splitrock';
import { optionsIn, rejection, useFolder } from './support.ts';

const folder = useFolder();

it('a million items are taken in little memory, and a job of them ends clearly when it cannot run', async () => {
  // Without a backend nothing runs: what is left is what the client keeps of the inputs.
  const executor = new FunctionExecutor(optionsIn(folder, { backend: 'no-such-backend' }));
  const items = Array.from({ length: 1_000_000 }, (_, n) => n);
  const before = process.memoryUsage();
  const job = executor.map((n: number) => n, items);
  const after = process.memoryUsage();
  const used = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  expect(used).toBeLessThan(2 ** 30 / 4);
  expect(await rejection(job)).toMatchObject({ code: 'PLUGIN_NOT_FOUND' });
  await executor.dispose();
});
