import { z } from 'zod';

export const referenceBackendOptionsSchema = z.strictObject({
  workerProcesses: z.int().min(1).max(4096).default(2).describe('Processes that run calls, each one at a time.'),
});

export type ReferenceBackendOptions = z.output<typeof referenceBackendOptionsSchema>;
