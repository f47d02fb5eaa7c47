import { mkdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { useExecutor, useFolder } from './support.ts';

const folder = useFolder();
const current = useExecutor(folder);

it('what the README says of a job is so', async () => {
  const executor = current.current;
  const images = ['cat', 'dog', 'broken'];
  const seen: string[] = [];
  const report = ({ status }: { readonly status: string }): void => void seen.push(status);
  const marker = `${folder.path}/repaired`;
  const resize = async (image: string) => {
    const { existsSync } = await import('node:fs');
    if (image === 'broken' && !existsSync(marker)) throw new Error('no image');
    return { image };
  };
  const publish = ({ image }: { image: string }): string => `${image}.example.org`;
  // #region job
  const job = executor.map(resize, images);

  for await (const outcome of job.asCompleted()) report(outcome); // as calls end, at your pace
  const outcomes = await job.settled(); // every call's value or error; one failure stops no other
  await mkdir(marker); // not shown
  await job.retryFailed(); // only the failed ones, once more
  const pictures = await job; // in input order; null and undefined are results
  job.on('call:log', ({ callId, text }) => console.log(callId, text)); // output, while calls run
  const urls = await executor.map(publish, job); // each result is an input; no slot waits for it
  await executor.attach(job.id); // from another process, or after this one was killed
  await job.cancel(); // queued and running calls, for good
  // #endregion
  expect(seen.toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(pictures).toEqual(images.map((image) => ({ image })));
  expect(urls).toEqual(images.map((image) => `${image}.example.org`));
  expect(await job).toEqual(pictures);
});
