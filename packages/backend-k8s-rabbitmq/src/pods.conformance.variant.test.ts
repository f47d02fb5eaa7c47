import { testService } from '@splitrock/services/vitest';
import { describeBackendConformance } from '@splitrock/testkit';
import { describe } from 'vitest';
import { makePodsHarness } from '../test/pods-harness.ts';

const rabbitmq = await testService('rabbitmq');

describe.skipIf(!rabbitmq.available)('in pods of a simulated cluster', () => {
  describeBackendConformance({
    name: 'k8s-rabbitmq',
    setup: () => makePodsHarness(rabbitmq.variable('SPLITROCK_TEST_AMQP_URL')),
    // Pods are started anew for most cases, on machines that do much else.
    deadlineMs: 40_000,
    capabilities: { killWorker: true, slotProcesses: true, leftovers: true },
  });
});
