import { describeBackendConformance } from '@splitrock/testkit';
import { makePodsHarness } from '../test/pods-harness.ts';

describeBackendConformance({
  name: 'k8s, in pods of a simulated cluster',
  setup: () => makePodsHarness(),
  // Each job has pods of its own, which are processes on machines that do much else.
  deadlineMs: 120_000,
  capabilities: { killWorker: true, slotProcesses: true, leftovers: true, workersPerJob: true, outage: true },
});
