/** A client that submits calls without end and says so, for tests that kill it. Its argument is a file with its plugins. */
import { readFileSync } from 'node:fs';
import { ExecutorFixture } from '@splitrock/testkit';
import { plugin as monitoring } from '@splitrock/monitoring-storage';
import { plugin as storage } from '@splitrock/storage-local';
import { plugin as backend } from 'splitrock-backend-ssh';

const options = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const executor = await ExecutorFixture.start(
  {
    backend: { plugin: backend, module: import.meta.resolve('splitrock-backend-ssh'), options: options.backend },
    storage: { plugin: storage, module: import.meta.resolve('@splitrock/storage-local'), options: options.storage },
    monitoring: { plugin: monitoring, module: import.meta.resolve('@splitrock/monitoring-storage'), options: {} },
    close: async () => undefined,
  },
  30_000,
);
const job = await executor.job({
  fn: async function wait(milliseconds) {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  },
  inputs: [600_000, 600_000],
});
await job.submit();
await job.until(() => job.started.size > 0, 'a call began');
console.log(executor.executorId);
