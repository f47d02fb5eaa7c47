/**
 * A client as a program of its own: starts a backend, runs a call, says `ready`, and does what its argument says.
 *
 * - `busy`: a call that never yields, and a reason to stay alive;
 * - `idle`: nothing is left to do, and the backend is not stopped;
 * - `stop`: stops the backend, and has no other reason to stay alive;
 * - `stop-at-once`: the same right after the start, while the worker starts.
 */
import { ExecutorFixture } from '@splitrock/testkit';
import { makeLocalhostHarness } from './localhost-harness.ts';

const mode = process.argv[2];
const executor = await ExecutorFixture.start(await makeLocalhostHarness({ workerProcesses: 2 }), 15_000);
if (mode !== 'stop-at-once') await runCalls();
process.stdout.write(`ready ${mode}\n`);
if (mode?.startsWith('stop')) {
  await executor.backend.stop({ graceMs: 5_000 });
  process.stdout.write('stopped\n');
}

async function runCalls(): Promise<void> {
  const stayAlive = setInterval(() => undefined, 60_000);
  const once = await executor.job({ fn: (item: number) => item + 1, inputs: [1] });
  await once.submit();
  await once.ended();
  await once.close();
  if (mode !== 'busy') {
    clearInterval(stayAlive);
    return;
  }
  const spin = (): void => {
    for (;;);
  };
  const job = await executor.job({ fn: spin, inputs: [0] });
  await job.submit();
  await job.until(() => job.started.size > 0, 'the call began');
}
