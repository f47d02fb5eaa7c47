import { z } from 'zod';

export const memoryStorageOptionsSchema = z.strictObject({
  maxObjectBytes: z
    .number()
    .int()
    .min(1)
    .max(2 ** 32)
    .default(2 ** 32)
    .describe('Largest object, in bytes.'),
});

export type MemoryStorageOptions = z.output<typeof memoryStorageOptionsSchema>;
