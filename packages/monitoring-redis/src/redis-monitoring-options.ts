import { z } from 'zod';

const KIB = 1024;
const MIB = 1024 * KIB;

const tlsSchema = z.strictObject({
  ca: z.string().optional().describe('Certificates of the authorities to trust, PEM text.'),
  cert: z.string().optional().describe('The client’s certificate, PEM text.'),
  key: z.string().optional().describe('The client’s private key, PEM text.'),
  servername: z.string().optional().describe('The name that the server’s certificate must have, when not the host.'),
  rejectUnauthorized: z.boolean().default(true).describe('False accepts any certificate. For tests only.'),
});

/** Options of the `redis` monitoring; the same for workers (publishing) and client (subscribing). */
export const redisMonitoringOptionsSchema = z
  .strictObject({
    url: z
      .string()
      .regex(/^rediss?:\/\//, 'must begin with redis:// or rediss:// (TLS)')
      .optional()
      .describe('`redis://user:password@host:port/db`, or `rediss://…` for TLS. Instead of host and port.'),
    host: z.string().min(1).optional().describe('Host name or address; `localhost` when no url is given.'),
    port: z.int().min(1).max(65_535).optional().describe('Port; 6379 when no url is given.'),
    username: z.string().optional().describe('User name (Redis ACL). Wins over the one in `url`.'),
    password: z.string().optional().describe('Password. Wins over the one in `url`.'),
    db: z.int().min(0).optional().describe('Number of the database. Wins over the one in `url`.'),
    tls: z.union([z.boolean(), tlsSchema]).default(false).describe('Use TLS: true, or its details.'),
    keyPrefix: z
      .string()
      .min(1)
      .default('splitrock:status:')
      .describe('What all Redis keys begin with; the tenant’s name follows.'),
    expireAfterHours: z
      .number()
      .min(0.001)
      .max(24 * 365)
      .default(72)
      .describe('How long after the last event of a job the server keeps its status, in hours, when nobody cleans it.'),
    connectTimeoutMs: z
      .int()
      .min(100)
      .default(5_000)
      .describe('How long one attempt to connect may take, in milliseconds.'),
    responseTimeoutMs: z
      .int()
      .min(6_000)
      .default(15_000)
      .describe(
        'After so long without a sign of life the connection counts as broken and is made anew, in milliseconds.',
      ),
    patienceMs: z
      .int()
      .min(0)
      .default(5_000)
      .describe(
        'How long a worker waits for the server before it puts status into storage instead, and a client before it ' +
          'says that it cannot subscribe, in milliseconds.',
      ),
    refreshForMs: z
      .int()
      .min(0)
      .default(30_000)
      .describe(
        'How long a client that must know what was published waits for a server that is away, in milliseconds.',
      ),
    maxSegmentEvents: z.int().min(1).max(100_000).default(10_000).describe('Most events in one entry of a stream.'),
    maxSegmentBytes: z
      .int()
      .min(1 * KIB)
      .max(64 * MIB)
      .default(256 * KIB)
      .describe('About the most bytes in one entry of a stream, unless a single event has more.'),
    maxMessageBytes: z
      .int()
      .min(64 * KIB)
      .max(256 * MIB)
      .default(4 * MIB)
      .describe('An entry that would have more bytes than this goes to storage, and the stream tells of it.'),
  })
  .refine(({ url, host, port }) => url === undefined || (host === undefined && port === undefined), {
    error: 'give either url, or host and port',
    path: ['url'],
  });

export type RedisMonitoringOptions = z.output<typeof redisMonitoringOptionsSchema>;
