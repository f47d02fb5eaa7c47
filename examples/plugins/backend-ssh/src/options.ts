/** Options of the ssh backend. */
import { z } from 'zod';

/** `user@host:port`, of which only the host is needed; an IPv6 address with a port stands in brackets. */
const ADDRESS =
  /^(?:(?<user>[A-Za-z0-9_][\w.$-]*)@)?(?:\[(?<v6>[0-9A-Fa-f:.%\w]+)\]|(?<host>[A-Za-z0-9_][\w.-]*))(?::(?<port>\d{1,5}))?$/;

const address = z
  .string()
  .regex(ADDRESS, 'must be `host`, `user@host` or `user@host:port`; an IPv6 address stands in brackets')
  .refine((text) => portIn(text) === undefined || (Number(portIn(text)) >= 1 && Number(portIn(text)) <= 65_535), {
    error: 'the port must be from 1 to 65535',
  });

const portIn = (text: string): string | undefined => ADDRESS.exec(text)?.groups?.['port'];

const path = z
  .string()
  .min(1)
  .regex(/^[^\0\n"]+$/, 'must be a path without quotation marks and line breaks');

const hostSettings = {
  slots: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe('Processes (or threads) that run calls on a host. Default: the number of CPUs that it has for us.'),
  node: z
    .string()
    .regex(/^[^\0\n]+$/)
    .optional()
    .describe('The program `node` on a host, 20.19 or newer. Default: `node`, as a login without terminal finds it.'),
  directory: path
    .optional()
    .describe('Where a host keeps the worker runtime; `~` is the home of the user. Default: `~/.cache/splitrock`.'),
  identityFile: path
    .optional()
    .describe('The private key to log in with. Default: what ssh itself would use, an agent included.'),
};

const hostObject = z.strictObject({
  address: address.describe('`user@host:port`; only the host is needed.'),
  ...hostSettings,
});

const host = z.union([address.transform((text): z.infer<typeof hostObject> => ({ address: text })), hostObject]);

export const sshBackendOptionsSchema = z.strictObject({
  hosts: z
    .array(host)
    .min(1)
    .refine((hosts) => new Set(hosts.map((each) => each.address)).size === hosts.length, {
      error: 'a host stands there twice',
    })
    .describe(
      'The hosts: `user@host:port` each, or an object with `address` and what is different there. Names of your `~/.ssh/config` will do.',
    ),
  ...hostSettings,
  knownHostsFile: path
    .optional()
    .describe("The file with the hosts' keys. Default: what ssh itself uses, `~/.ssh/known_hosts` as a rule."),
  hostKeys: z
    .enum(['known', 'accept-new'])
    .default('known')
    .describe(
      '`known`: only hosts whose key is known. `accept-new`: the key of a host that was never seen is accepted and kept. A key that has changed is never accepted.',
    ),
  configFile: path.optional().describe('The configuration of ssh. Default: `~/.ssh/config` and that of the system.'),
  connectTimeoutMs: z
    .int()
    .min(1_000)
    .default(10_000)
    .describe('How long a host may take to answer a connection, in milliseconds.'),
  startTimeoutMs: z
    .int()
    .min(1_000)
    .default(60_000)
    .describe('How long it may take from the connection until a worker offers room for calls, in milliseconds.'),
  callsPerProcess: z
    .int()
    .min(1)
    .max(10_000)
    .default(1)
    .describe('Asynchronous calls that one process runs at once. Raise it for functions that mostly wait.'),
  slotKind: z
    .enum(['process', 'thread'])
    .default('process')
    .describe(
      '`process`: a call that crashes takes only itself down. `thread`: starts faster, shares its worker’s fate.',
    ),
  workerLogLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('warn')
    .describe("What the worker runtime logs of itself; it is passed on to the executor's logger."),
});

export type SshBackendOptions = z.infer<typeof sshBackendOptionsSchema>;

/** One host with everything that holds for it. */
export interface HostSettings {
  /** As the options name it. */
  readonly address: string;
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  readonly slots?: number;
  readonly node: string;
  readonly directory: string;
  readonly identityFile?: string;
}

/** What the options say of each host: its own settings over the common ones. */
export function hostsOf(options: SshBackendOptions): readonly HostSettings[] {
  return options.hosts.map((own) => {
    const { user, v6, host: name, port } = ADDRESS.exec(own.address)?.groups ?? {};
    const settings = { ...definedOf(options), ...definedOf(own) };
    return {
      address: own.address,
      host: (v6 ?? name) as string,
      ...(user === undefined ? {} : { user }),
      ...(port === undefined ? {} : { port: Number(port) }),
      ...settings,
      node: settings.node ?? 'node',
      directory: settings.directory ?? '~/.cache/splitrock',
    };
  });
}

type Settings = Pick<HostSettings, 'slots' | 'identityFile'> & { readonly node?: string; readonly directory?: string };

function definedOf(from: { readonly [Name in keyof Settings]?: Settings[Name] | undefined }): Settings {
  const { slots, node, directory, identityFile } = from;
  return {
    ...(slots === undefined ? {} : { slots }),
    ...(node === undefined ? {} : { node }),
    ...(directory === undefined ? {} : { directory }),
    ...(identityFile === undefined ? {} : { identityFile }),
  };
}
