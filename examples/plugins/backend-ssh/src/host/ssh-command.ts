/** The command line of the OpenSSH client. Nothing in it is secret: what is goes through its standard input. */
import type { HostSettings, SshBackendOptions } from '../options.ts';
import { launch, type LaunchRequest } from './launcher.ts';

type Connection = Pick<SshBackendOptions, 'knownHostsFile' | 'hostKeys' | 'configFile' | 'connectTimeoutMs'>;

/** Says which program is missing before anything else goes wrong; 127 is what shells say then. */
const FIND_NODE = 'command -v "$0" >/dev/null 2>&1 || exit 127; exec "$0" --eval "$1" "$2"';

/** The arguments of `ssh` for a session that runs the launcher on the host. */
export function sshArguments(host: HostSettings, connection: Connection, request: LaunchRequest): readonly string[] {
  const { knownHostsFile, hostKeys, configFile, connectTimeoutMs } = connection;
  const settings = {
    // Nobody is there to answer a question.
    BatchMode: 'yes',
    StrictHostKeyChecking: hostKeys === 'known' ? 'yes' : 'accept-new',
    ConnectTimeout: String(Math.ceil(connectTimeoutMs / 1_000)),
    // A host that has lost its power or its network is given up after half a minute.
    ServerAliveInterval: '10',
    ServerAliveCountMax: '3',
    // A connection of its own, of which nothing but its end is expected.
    ControlMaster: 'no',
    ControlPath: 'none',
    ClearAllForwardings: 'yes',
    ForwardAgent: 'no',
    ForwardX11: 'no',
    PermitLocalCommand: 'no',
    RemoteCommand: 'none',
    RequestTTY: 'no',
    LogLevel: 'ERROR',
    ...(knownHostsFile === undefined ? {} : { UserKnownHostsFile: `"${knownHostsFile}"` }),
    ...(host.identityFile === undefined ? {} : { IdentitiesOnly: 'yes' }),
  };
  return [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...(host.identityFile === undefined ? [] : ['-i', host.identityFile]),
    ...(host.user === undefined ? [] : ['-l', host.user]),
    ...(host.port === undefined ? [] : ['-p', String(host.port)]),
    '--',
    host.host,
    ['exec', 'sh', '-c', FIND_NODE, host.node, launcherText(), JSON.stringify(request)].map(quote).join(' '),
  ];
}

/** Runs the function as a program, with the request as its argument. */
const launcherText = (): string => `(${launch.toString()})(require, JSON.parse(process.argv[1]));`;

/** For the login shell of the host, whichever it is: all of them take text between single quotes as it is. */
const quote = (text: string): string =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
