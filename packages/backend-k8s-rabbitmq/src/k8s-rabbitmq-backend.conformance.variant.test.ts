import { testService } from '@splitrock/services/vitest';
import { TcpGate, describeBackendConformance } from '@splitrock/testkit';
import { describe } from 'vitest';
import { makeWorkQueueHarness } from '../test/work-queue-harness.ts';

const rabbitmq = await testService('rabbitmq');

describe.skipIf(!rabbitmq.available)('on a real RabbitMQ', () => {
  describeBackendConformance({
    name: 'RabbitMQ work queue',
    async setup() {
      const gate = await TcpGate.before(rabbitmq.variable('SPLITROCK_TEST_AMQP_URL'));
      const harness = await makeWorkQueueHarness(gate.url);
      return {
        ...harness,
        async outage() {
          await gate.shut();
          return { end: () => gate.open() };
        },
        async close() {
          await harness.close();
          await gate.shut();
        },
      };
    },
    // Workers are started anew for most cases, on machines that do much else.
    deadlineMs: 40_000,
    capabilities: { killWorker: true, slotProcesses: true, leftovers: true, outage: true },
  });
});
