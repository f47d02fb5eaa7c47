/** What the client writes into a job's descriptor for a client that attaches later. */
import { z } from 'zod';
import { jobDefaultsSchema } from './job-options.ts';

export const clientRecordSchema = z.object({
  /** Where the submitting client runs: while it lives, others only watch. */
  host: z.string(),
  pid: z.int(),
  options: jobDefaultsSchema,
  retryIf: z.array(z.string()).readonly().nullable(),
  /** Whether some inputs may be other calls' results, to be looked for in the input parts. */
  pendingInputs: z.boolean(),
});

export type ClientRecord = z.infer<typeof clientRecordSchema>;
