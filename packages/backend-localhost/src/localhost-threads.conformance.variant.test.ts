import { describeBackendConformance } from '@splitrock/testkit';
import { makeLocalhostHarness } from '../test/localhost-harness.ts';

describeBackendConformance({
  name: 'localhost backend with slot threads',
  setup: () => makeLocalhostHarness({ workerProcesses: 2, slotKind: 'thread' }),
  capabilities: { killWorker: true, slotProcesses: false, leftovers: true },
});
