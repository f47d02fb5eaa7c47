import { z } from 'zod';

const KIB = 1024;
const MIB = 1024 * KIB;

const tlsSchema = z.strictObject({
  ca: z.string().optional().describe('Certificates of the authorities to trust, PEM text.'),
  cert: z.string().optional().describe('The client’s certificate, PEM text.'),
  key: z.string().optional().describe('The client’s private key, PEM text.'),
  servername: z.string().optional().describe('The name that the broker’s certificate must have, when not the host.'),
  rejectUnauthorized: z.boolean().default(true).describe('False accepts any certificate. For tests only.'),
});

/** Options of the `rabbitmq` monitoring; the same for workers (publishing) and client (subscribing). */
export const rabbitmqMonitoringOptionsSchema = z
  .strictObject({
    url: z
      .string()
      .regex(/^amqps?:\/\//, 'must begin with amqp:// or amqps:// (TLS)')
      .optional()
      .describe('`amqp://user:password@host:port/vhost`, or `amqps://…` for TLS. Instead of host, port and vhost.'),
    host: z.string().min(1).optional().describe('Host name or address; `localhost` when no url is given.'),
    port: z.int().min(1).max(65_535).optional().describe('Port; 5672, or 5671 with TLS, when no url is given.'),
    vhost: z.string().min(1).optional().describe('Virtual host; `/` when no url is given.'),
    username: z.string().optional().describe('User name; `guest` by default. Wins over the one in `url`.'),
    password: z.string().optional().describe('Password; `guest` by default. Wins over the one in `url`.'),
    tls: z.union([z.boolean(), tlsSchema]).default(false).describe('Use TLS: true, or its details.'),
    keepForHours: z
      .number()
      .min(1)
      .max(24 * 365)
      .default(72)
      .describe(
        'How long the broker keeps status, in hours. Also how long a stream that nobody cleaned is idle before the next ' +
          'client of the tenant removes it.',
      ),
    heartbeatSeconds: z
      .int()
      .min(1)
      .max(600)
      .default(10)
      .describe('A connection that is silent for twice as long counts as broken and is made anew, in seconds.'),
    connectTimeoutMs: z
      .int()
      .min(100)
      .default(5_000)
      .describe('How long one attempt to connect may take, in milliseconds.'),
    patienceMs: z
      .int()
      .min(0)
      .default(5_000)
      .describe(
        'How long a worker waits for the broker before it puts status into storage instead, and a client before it ' +
          'says that it cannot subscribe, in milliseconds.',
      ),
    refreshForMs: z
      .int()
      .min(0)
      .default(30_000)
      .describe(
        'How long a client that must know what was published waits for a broker that is away, in milliseconds.',
      ),
    maxSegmentEvents: z.int().min(1).max(100_000).default(10_000).describe('Most events in one message.'),
    maxSegmentBytes: z
      .int()
      .min(1 * KIB)
      .max(16 * MIB)
      .default(256 * KIB)
      .describe('About the most bytes in one message, unless a single event has more.'),
    maxMessageBytes: z
      .int()
      .min(64 * KIB)
      .max(64 * MIB)
      .default(4 * MIB)
      .describe(
        'A message that would have more bytes than this goes to storage, and a small one tells of it. RabbitMQ 4 takes ' +
          '16 MiB at most unless it is told otherwise.',
      ),
  })
  .refine(
    ({ url, host, port, vhost }) => url === undefined || [host, port, vhost].every((part) => part === undefined),
    { error: 'give either url, or host, port and vhost', path: ['url'] },
  );

export type RabbitmqMonitoringOptions = z.output<typeof rabbitmqMonitoringOptionsSchema>;
