/** What the tests of the public API share: executors on a storage of their own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { FunctionExecutor, type ExecutorOptions } from 'splitrock';

export interface TestFolder {
  readonly path: string;
}

/** A temporary folder for the tests of a file. */
export function useFolder(): TestFolder {
  const folder = { path: '' };
  beforeAll(async () => {
    folder.path = await mkdtemp(join(tmpdir(), 'splitrock-test-'));
  });
  afterAll(() => rm(folder.path, { recursive: true, force: true }));
  return folder;
}

/** Options for executors on the embedded defaults, with their storage in a test's folder and two slots. */
export function optionsIn(folder: TestFolder, options: ExecutorOptions = {}): ExecutorOptions {
  return {
    logLevel: 'error',
    cwd: folder.path,
    ...options,
    storages: { local: { directory: join(folder.path, 'storage') } },
    backends: { localhost: { workerProcesses: 2, ...(options.backends?.['localhost'] as object | undefined) } },
  };
}

/** One executor for all tests of a file. */
export function useExecutor(folder: TestFolder, options: ExecutorOptions = {}): { readonly current: FunctionExecutor } {
  const holder: { current: FunctionExecutor } = { current: undefined as never };
  beforeAll(() => {
    holder.current = new FunctionExecutor(optionsIn(folder, options));
  });
  afterAll(() => holder.current.dispose());
  return holder;
}

/** The error that a promise rejects with; a fulfilled one fails the test. */
export async function rejection(promise: PromiseLike<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('It was fulfilled.');
}

/** Polls until the condition holds; fails after `deadlineMs` with what was seen last. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Not so within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
