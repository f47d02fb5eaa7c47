/** The worker's private folder: functions, captured values, slots' output. Removed when the worker ends. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Begins the name of a worker's folder; the process id in it lets others find what a killed worker left. */
const prefixOf = (pid: number): string => `splitrock-worker-${pid}-`;

export class WorkerDirectory {
  readonly path: string;
  /** Unpacked functions. */
  readonly unpacked: string;
  readonly artifacts: string;
  readonly environments: string;
  readonly output: string;

  /** Creates the folder, readable by this user only. */
  constructor() {
    this.path = mkdtempSync(join(tmpdir(), prefixOf(process.pid)));
    this.unpacked = join(this.path, 'unpacked');
    this.artifacts = join(this.path, 'artifacts');
    this.environments = join(this.path, 'environments');
    this.output = join(this.path, 'output');
    for (const path of [this.unpacked, this.artifacts, this.environments, this.output]) mkdirSync(path);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/**
 * Removes the folder of a worker on this machine that was killed, for whoever started it and knows that it is gone. Its
 * slots may be dying still, so removal is tried again while files appear.
 */
export async function removeWorkerDirectory(pid: number): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(prefixOf(pid)));
  await Promise.all(names.map((name) => rm(join(tmpdir(), name), { recursive: true, force: true, maxRetries: 5 })));
}
