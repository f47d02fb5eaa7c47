/** Whoever waits for workers is told why, from the moment that a job is made, and whatever was told to others before. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FunctionExecutor, type Job } from 'splitrock';
import { optionsIn, until, useFolder } from './support.ts';

const folder = useFolder();

/** A backend whose listener the test holds in its hands, and that has no worker to ask what is installed there. */
const BACKEND = `
  import { z } from ${JSON.stringify(import.meta.resolve('zod'))};
  const part = {
    name: 'idle',
    start: async (listener) => { globalThis.idleListener = listener; },
    capacity: () => ({ current: 0, max: 1 }), runtime: (options) => new Promise(() => {}),
    submit: async () => {}, cancel: async () => {}, endJob: async () => {}, clean: async () => ({ removed: {} }),
    stop: async () => {},
  };
  export const plugin = {
    kind: 'backend', name: 'idle', apiVersion: 1, optionsSchema: z.strictObject({}),
    createBackend: () => part, createCallSource: () => {},
  };`;

interface Listener {
  diagnosis(event: { severity: string; code: string; message: string; jobs?: readonly object[] }): void;
}
const listener = (): Listener | undefined => (globalThis as { idleListener?: Listener }).idleListener;

it('a job is told what stands between it and its workers, before it has begun and after others were told', async () => {
  await writeFile(join(folder.path, 'idle.mjs'), BACKEND);
  const options = { ...optionsIn(folder), backend: './idle.mjs', backends: {}, logLevel: 'silent' as const };
  const executor = new FunctionExecutor(options);
  const listen = (job: Job<unknown>): string[] => {
    const heard: string[] = [];
    job.on('job:diagnosis', ({ severity, code }) => heard.push(`${severity} ${code}`));
    // It is cancelled with its executor.
    job.settled().catch(() => undefined);
    return heard;
  };
  // It waits for what a worker has installed, so it never begins.
  const first = listen(executor.map(async () => (await import('prettier')).version, [1], { external: ['prettier'] }));
  await until('the backend is started', () => listener() !== undefined);
  listener()?.diagnosis({ severity: 'error', code: 'NO_ROOM', message: 'no node has room' });
  listener()?.diagnosis({
    severity: 'warning',
    code: 'ODD',
    message: 'odd',
    jobs: [{ executorId: 'other', jobNumber: 1 }],
  });
  expect(first).toEqual(['error NO_ROOM']);

  const second = listen(executor.map((n: number) => n, [1]));
  await until('the second job is told', () => second.length > 0);
  expect(second).toEqual(['error NO_ROOM']);

  listener()?.diagnosis({ severity: 'info', code: 'NO_ROOM', message: 'there is room' });
  const third = executor.map((n: number) => n, [1]);
  const heard = listen(third);
  await until('the third job has begun', () => third.progress.total === 1);
  expect(heard).toEqual([]);
  expect([first.at(-1), second.at(-1)]).toEqual(['info NO_ROOM', 'info NO_ROOM']);
  await executor.dispose();
});
