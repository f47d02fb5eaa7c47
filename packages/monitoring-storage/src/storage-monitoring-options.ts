import { z } from 'zod';

/** Options of the `storage` monitoring; the same for workers (publishing) and client (subscribing). */
export const storageMonitoringOptionsSchema = z
  .strictObject({
    minIntervalMs: z
      .number()
      .min(1)
      .default(50)
      .describe(
        'How long after new status was found the client looks again, in milliseconds. Only used with a storage that cannot be watched.',
      ),
    maxIntervalMs: z
      .number()
      .min(1)
      .default(1000)
      .describe(
        'The interval between looks doubles up to this while nothing new is found, in milliseconds. ' +
          'One worker and one second cost 3,600 reads and 3,600 listings in an idle hour.',
      ),
    parallelReads: z
      .int()
      .min(1)
      .max(256)
      .default(16)
      .describe('How many segments the client reads and holds at once, over all its jobs.'),
    maxSegmentEvents: z.int().min(1).max(100_000).default(10_000).describe('Most events in one stored segment.'),
    maxSegmentBytes: z
      .int()
      .min(1024)
      .max(64 * 1024 * 1024)
      .default(1024 * 1024)
      .describe('About the most bytes in one stored segment; a single larger event gets a segment of its own.'),
    retryForMs: z
      .number()
      .min(0)
      .default(60_000)
      .describe(
        'How long a worker goes on trying to store a segment when the storage fails in a way that may pass, in milliseconds. ' +
          'After that its calls are given back and run again.',
      ),
  })
  .refine((options) => options.maxIntervalMs >= options.minIntervalMs, {
    path: ['maxIntervalMs'],
    error: 'must not be less than minIntervalMs',
  });

export type StorageMonitoringOptions = z.infer<typeof storageMonitoringOptionsSchema>;
