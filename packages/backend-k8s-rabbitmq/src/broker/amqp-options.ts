/** How the broker is reached. */
import { z } from 'zod';

const tlsSchema = z
  .strictObject({
    ca: z.string().min(1).optional().describe('Certificate authority in PEM, when it is not a public one.'),
    certificate: z.string().min(1).optional().describe('Client certificate in PEM.'),
    key: z.string().min(1).optional().describe('Its private key in PEM; a secret.'),
    serverName: z.string().min(1).optional().describe('Name in the broker’s certificate, when it is not its host.'),
  })
  .check(({ value, issues }) => {
    if ((value.certificate === undefined) === (value.key === undefined)) return;
    issues.push({ code: 'custom', message: 'certificate and key come together', input: value });
  });

const isAmqpUrl = (text: string): boolean => /^amqps?:$/.test(URL.canParse(text) ? new URL(text).protocol : '');

const amqpUrl = z
  .string()
  .refine(isAmqpUrl, 'must be an address such as amqps://user:password@broker:5671/vhost')
  .describe('Address with user, password and virtual host; a secret: name it as `${env:AMQP_URL}` or `${file:…}`.');

export const amqpOptionsSchema = z.strictObject({
  url: amqpUrl,
  workerUrl: amqpUrl
    .optional()
    .describe('The same broker as workers reach it, where that differs; a secret. Default: `url`.'),
  tls: tlsSchema.default({}).describe('For `amqps:` addresses.'),
  heartbeatSeconds: z
    .int()
    .min(1)
    .max(3600)
    .default(20)
    .describe('A peer that is silent for twice as long is taken for gone, in seconds.'),
  connectTimeoutMs: z
    .int()
    .min(100)
    .max(60_000)
    .default(5_000)
    .describe('How long one attempt to connect may take, in milliseconds.'),
});

export type AmqpOptions = z.output<typeof amqpOptionsSchema>;
