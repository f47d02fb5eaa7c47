import { describeBackendConformance } from '@splitrock/testkit';
import { makeLocalhostHarness } from '../test/localhost-harness.ts';

describeBackendConformance({
  name: 'localhost backend with slot processes',
  setup: () => makeLocalhostHarness({ workerProcesses: 2 }),
  capabilities: { killWorker: true, slotProcesses: true, leftovers: true },
});
