import { describeBackendConformance } from '@splitrock/testkit';
import { makeSshHarness } from './ssh-harness.ts';

describeBackendConformance({
  name: 'ssh backend on two hosts',
  setup: () => makeSshHarness(),
  capabilities: { killWorker: true, slotProcesses: true, leftovers: true },
});
