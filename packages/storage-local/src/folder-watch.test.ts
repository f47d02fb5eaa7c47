import { watch, type FSWatcher, type WatchListener } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { silentLogger, systemClock, type LogFields } from '@splitrock/core/plugin';
import { FolderWatch } from './folder-watch.ts';

it('polls, and says so, where the system gives no more watches', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-watch-'));
  const warnings: [string, LogFields | undefined][] = [];
  let tell = (): void => {};
  const told = new Promise<void>((resolve) => (tell = resolve));
  let closes = 0;
  const watch = new FolderWatch(folder, tell, {
    clock: systemClock,
    logger: { ...silentLogger, warn: (message, fields) => void warnings.push([message, fields]) },
    polling: false,
    pollIntervalMs: 10,
    onClose: () => void closes++,
    startWatch: () => {
      throw Object.assign(new Error('ENOSPC: no watches left'), { code: 'ENOSPC', syscall: 'watch' });
    },
  });
  await watch.start();
  await told;
  await Promise.all([watch.close(), watch.close()]);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]?.[1]).toMatchObject({ folder, intervalMs: 10 });
  expect(closes).toBe(1);
  await rm(folder, { recursive: true });
});

it('does not listen on in a turn of the event loop that has very many events, and looks through the folder after it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-watch-'));
  const started: { readonly watcher: FSWatcher; readonly listener: WatchListener<string> }[] = [];
  let closed = 0;
  let told = 0;
  const folderWatch = new FolderWatch(folder, () => void told++, {
    clock: systemClock,
    logger: silentLogger,
    polling: false,
    pollIntervalMs: 10,
    onClose: () => undefined,
    startWatch: ((path: string, listener: WatchListener<string>) => {
      const watcher = watch(path, listener).on('close', () => void closed++);
      started.push({ watcher, listener });
      return watcher;
    }) as typeof watch,
  });
  await folderWatch.start();
  for (let event = 0; event < 10_000; event += 1) started[0]?.listener('change', `f${event}`);
  await expect.poll(() => [started.length, closed]).toEqual([2, 1]);
  // What was written while nobody listened is told of.
  await expect.poll(() => told).toBeGreaterThanOrEqual(2);
  const before = told;
  await writeFile(join(folder, 'later'), '');
  await expect.poll(() => told).toBeGreaterThan(before);
  await folderWatch.close();
  await rm(folder, { recursive: true });
});
