/** The work queue on a real broker, with local workers, local storage and storage monitoring, for the suites. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { plugin as monitoring } from '@splitrock/monitoring-storage';
import { plugin as storage } from '@splitrock/storage-local';
import type { BackendHarness } from '@splitrock/testkit';
import { plugin as backend } from './local-plugin.ts';
import { localWorkers, signalWorker } from './local-worker-pool.ts';

const resolveModule = (name: string): string => pathToFileURL(createRequire(import.meta.url).resolve(name)).href;

export async function makeWorkQueueHarness(
  brokerUrl: string,
  options: Readonly<Record<string, unknown>> = {},
): Promise<BackendHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'splitrock-queue-test-'));
  return {
    backend: {
      plugin: backend,
      module: new URL('local-plugin.ts', import.meta.url).href,
      options: { amqp: { url: brokerUrl }, pool: `test-${randomUUID()}`, ...options },
    },
    storage: {
      plugin: storage,
      module: resolveModule('@splitrock/storage-local'),
      options: { directory: join(directory, 'storage') },
    },
    monitoring: { plugin: monitoring, module: resolveModule('@splitrock/monitoring-storage'), options: {} },
    async killWorker(workerId) {
      signalWorker(workerId, 'SIGKILL');
    },
    async leftovers(executorId) {
      const own = [...localWorkers].filter(([, worker]) => worker.executorId === executorId);
      return own.map(([workerId]) => `worker ${workerId}`);
    },
    async close() {
      await rm(directory, { recursive: true });
    },
  };
}
