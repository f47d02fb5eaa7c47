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

export const redisStorageOptionsSchema = z
  .strictObject({
    url: z
      .string()
      .regex(/^rediss?:\/\//, 'must begin with redis:// or rediss:// (TLS)')
      .optional()
      .describe('`redis://user:password@host:port/db`, or `rediss://…` for TLS. Instead of host and port.'),
    host: z.string().min(1).optional().describe('Host name or address; `localhost` when no url is given.'),
    port: z.number().int().min(1).max(65_535).optional().describe('Port; 6379 when no url is given.'),
    username: z.string().optional().describe('User name (Redis ACL). Wins over the one in `url`.'),
    password: z.string().optional().describe('Password. Wins over the one in `url`.'),
    db: z.number().int().min(0).optional().describe('Number of the database. Wins over the one in `url`.'),
    tls: z.union([z.boolean(), tlsSchema]).default(false).describe('Use TLS: true, or its details.'),
    keyPrefix: z
      .string()
      .min(1)
      .default('splitrock:')
      .describe('What all Redis keys begin with. Give each tenant or installation that shares a database its own.'),
    chunkBytes: z
      .number()
      .int()
      .min(64 * KIB)
      .max(512 * MIB)
      .default(MIB)
      .describe('Objects larger than this are kept in several Redis values of this size, in bytes.'),
    connectTimeoutMs: z
      .number()
      .int()
      .min(100)
      .default(5_000)
      .describe('How long one attempt to connect may take, in milliseconds.'),
    responseTimeoutMs: z
      .number()
      .int()
      .min(100)
      .default(10_000)
      .describe('After so long without an answer the connection counts as broken and is made anew, in milliseconds.'),
    retryForMs: z
      .number()
      .int()
      .min(0)
      .default(30_000)
      .describe('How long an operation waits and tries again while the server cannot be reached, in milliseconds.'),
  })
  .refine(({ url, host, port }) => url === undefined || (host === undefined && port === undefined), {
    error: 'give either url, or host and port',
    path: ['url'],
  });

export type RedisStorageOptions = z.output<typeof redisStorageOptionsSchema>;
