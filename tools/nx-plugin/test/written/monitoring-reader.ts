/** What an author writes of a monitoring, over a folder for each job, which all processes of the machine share: the client's half. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import {
  formatJobId,
  type FollowOptions,
  type JobRef,
  type StatusLogFollower,
  type StatusLogReader,
  type StatusLogSink,
  type StatusMessage,
} from '@splitrock/core/plugin';

const POLL_MS = 20;

const folderOf = (job: JobRef): string => join(tmpdir(), 'blue-tape-logs', formatJobId(job));

export class BlueTapeLogReader implements StatusLogReader {
  // oxlint-disable-next-line no-useless-constructor -- the plugin makes it with its options
  constructor(_options: unknown) {}

  async follow(job: JobRef, sink: StatusLogSink, { replay, signal }: FollowOptions): Promise<StatusLogFollower> {
    signal?.throwIfAborted();
    const folder = folderOf(job);
    await mkdir(folder, { recursive: true });
    const seen = new Set(replay ? [] : await readdir(folder));
    let closed = false;
    const read = async (): Promise<void> => {
      // The folder goes with its job.
      const names = await readdir(folder).catch(() => []);
      for (const name of names.filter((each) => !each.startsWith('.') && !seen.has(each)).toSorted()) {
        const bytes = await readFile(join(folder, name)).catch(() => undefined);
        if (closed) return;
        seen.add(name);
        if (bytes !== undefined) sink.message(deserialize(bytes) as StatusMessage);
      }
    };
    // One after the other, so that each message is given once.
    let reading = Promise.resolve();
    const readOn = (): Promise<void> => (reading = reading.then(read));
    const timer = setInterval(() => void readOn(), POLL_MS);
    return {
      connected: true,
      catchUp: readOn,
      async close() {
        closed = true;
        clearInterval(timer);
        await reading;
      },
    };
  }

  async remove(jobs: readonly JobRef[]): Promise<number> {
    const folders = jobs.map(folderOf).filter((folder) => existsSync(folder));
    for (const folder of folders) await rm(folder, { recursive: true });
    return folders.length;
  }

  async close(): Promise<void> {}
}
