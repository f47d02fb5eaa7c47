import { z } from 'zod';

const MIB = 1024 * 1024;
/** S3's limits: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const MAX_KEY_BYTES = 1024;
export const MAX_PARTS = 10_000;
export const MAX_OBJECT_BYTES = 5 * 1024 ** 4;

export const s3StorageOptionsSchema = z
  .strictObject({
    bucket: z.string().min(3).max(63).describe('Bucket that holds the objects. It must exist.'),
    prefix: z
      .string()
      .max(500)
      .regex(/^$|[^/].*\/$/, 'must be empty or end with / and not begin with it')
      .default('')
      .describe('What all S3 keys begin with, ending with `/`. Lets several installations share a bucket.'),
    endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Address of a store other than Amazon’s: `https://s3.example.org`.'),
    region: z.string().min(1).default('us-east-1').describe('Region of the bucket. Other stores accept any.'),
    forcePathStyle: z
      .boolean()
      .optional()
      .describe('Name the bucket in the path, not in the host name. Default: true when `endpoint` is given.'),
    accessKeyId: z
      .string()
      .min(1)
      .optional()
      .describe('Access key. Without it the SDK’s usual chain finds credentials.'),
    secretAccessKey: z.string().min(1).optional().describe('The access key’s secret.'),
    sessionToken: z.string().min(1).optional().describe('Session token of temporary credentials.'),
    partBytes: z
      .number()
      .int()
      .min(5 * MIB)
      .max(512 * MIB)
      .default(8 * MIB)
      .describe('Larger objects and streams are sent in parts of this size, in bytes; 10,000 parts at most.'),
    parallelParts: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(4)
      .describe('Parts of one object sent at once; each takes `partBytes` of memory.'),
    maxConnections: z.number().int().min(1).max(1_000).default(64).describe('Connections to the store at once.'),
    connectTimeoutMs: z
      .number()
      .int()
      .min(100)
      .default(5_000)
      .describe('How long connecting may take, in milliseconds.'),
    responseTimeoutMs: z
      .number()
      .int()
      .min(100)
      .default(30_000)
      .describe('A connection that is silent for so long is given up and the request tried again, in milliseconds.'),
    retryForMs: z
      .number()
      .int()
      .min(0)
      .default(30_000)
      .describe('How long a request is tried again while the store is away, busy or failing, in milliseconds.'),
    lifecycleRules: z
      .boolean()
      .default(false)
      .describe(
        'Lets Splitrock add lifecycle rules to the bucket, by which leftovers of killed clients expire. Needs the permission ' +
          's3:PutLifecycleConfiguration; do not use it where another tool manages the bucket’s rules.',
      ),
  })
  .refine(({ accessKeyId, secretAccessKey }) => (accessKeyId === undefined) === (secretAccessKey === undefined), {
    error: 'give both accessKeyId and secretAccessKey, or neither',
    path: ['secretAccessKey'],
  })
  .refine(({ sessionToken, accessKeyId }) => sessionToken === undefined || accessKeyId !== undefined, {
    error: 'belongs to accessKeyId and secretAccessKey',
    path: ['sessionToken'],
  });

export type S3StorageOptions = z.output<typeof s3StorageOptionsSchema>;
