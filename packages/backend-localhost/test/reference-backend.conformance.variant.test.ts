/** Here, because the testkit cannot depend on storages and monitorings, which depend on it. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plugin as monitoring } from '@splitrock/monitoring-storage';
import { plugin as storage } from '@splitrock/storage-local';
import { describeBackendConformance } from '@splitrock/testkit';
import { plugin } from '@splitrock/testkit/reference';

describeBackendConformance({
  name: 'reference backend',
  async setup() {
    const directory = await mkdtemp(join(tmpdir(), 'splitrock-reference-'));
    const pids = new Set<number>();
    return {
      backend: { plugin, module: import.meta.resolve('@splitrock/testkit/reference'), options: {} },
      storage: { plugin: storage, module: import.meta.resolve('@splitrock/storage-local'), options: { directory } },
      monitoring: { plugin: monitoring, module: import.meta.resolve('@splitrock/monitoring-storage'), options: {} },
      async killWorker(workerId) {
        const pid = Number(workerId.split('-')[1]);
        pids.add(pid);
        process.kill(pid, 'SIGKILL');
      },
      async leftovers() {
        const folders = await readdir(tmpdir());
        return [...pids].flatMap((pid) => folders.filter((name) => name.startsWith(`splitrock-worker-${pid}-`)));
      },
      close: () => rm(directory, { recursive: true }),
    };
  },
  deadlineMs: 60_000,
  capabilities: { killWorker: true, slotProcesses: true, leftovers: true },
});
