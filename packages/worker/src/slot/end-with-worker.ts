/** What a slot process does when its worker is gone: nothing it still does can be told to anyone. */
import { rmSync } from 'node:fs';

/** Removes the worker's folder, which nobody else does then, and kills this process with all child processes. */
export function endWithWorker(workerDirectory: string): void {
  try {
    // Other slots do the same at the same time.
    rmSync(workerDirectory, { recursive: true, force: true, maxRetries: 3 });
  } finally {
    process.kill(-process.pid, 'SIGKILL');
  }
}
