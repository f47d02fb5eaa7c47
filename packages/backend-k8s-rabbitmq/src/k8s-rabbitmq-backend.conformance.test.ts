import { testService } from '@splitrock/services/vitest';
import { describeBackendConformance } from '@splitrock/testkit';
import { describe } from 'vitest';
import { makeWorkQueueHarness } from '../test/work-queue-harness.ts';

const rabbitmq = await testService('rabbitmq');

describe.skipIf(!rabbitmq.available)('on a real RabbitMQ', () => {
  describeBackendConformance({
    name: 'RabbitMQ work queue',
    setup: () => makeWorkQueueHarness(rabbitmq.variable('SPLITROCK_TEST_AMQP_URL')),
    // Workers are started anew for most cases, on machines that do much else.
    deadlineMs: 40_000,
    capabilities: { killWorker: true, slotProcesses: true, leftovers: true },
  });
});
