/** A monitoring plugin that writes events to a file, one a line. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { PLUGIN_API_VERSION, defineMonitoring } from '@splitrock/core/plugin';
import { z } from 'zod';

export const plugin = defineMonitoring({
  kind: 'monitoring',
  name: 'file',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: z.strictObject({ directory: z.string() }),
  createPublisher: ({ directory }) => ({
    async publish(_job, events) {
      for (const event of events) appendFileSync(join(directory, 'events'), `${JSON.stringify(event)}\n`);
    },
    async close() {},
  }),
  createSubscriber: () => {
    throw new Error('The file monitoring has no client half.');
  },
});
