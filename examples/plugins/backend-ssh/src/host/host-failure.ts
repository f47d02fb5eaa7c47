/** Why no worker runs on a host, from what ssh and the launcher say of it; and what to do about it. */
import type { HostSettings } from '../options.ts';
import { LAUNCH_EXIT } from './launcher.ts';

export interface HostFailure {
  /** Of the diagnosis. */
  readonly code: string;
  readonly message: string;
  /** Trying again will not help before somebody has done something. */
  readonly permanent: boolean;
}

export interface SessionFacts {
  readonly host: HostSettings;
  /** Of ssh: the remote program's, or 255 when ssh itself failed. `null`: a signal ended it. */
  readonly exitCode: number | null;
  readonly stderr: string;
  /** Whether the host's Node had begun to speak. */
  readonly greeted: boolean;
}

interface Case {
  readonly code: string;
  readonly permanent: boolean;
  readonly applies: (facts: SessionFacts) => boolean;
  readonly what: string;
  readonly remedy: (host: HostSettings) => string;
}

/** ssh's own exit code, whatever went wrong with the connection. */
export const SSH_FAILED = 255;
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

const sshSaid =
  (pattern: RegExp) =>
  ({ exitCode, stderr }: SessionFacts): boolean =>
    exitCode === SSH_FAILED && pattern.test(stderr);

const CASES: readonly Case[] = [
  {
    code: 'SSH_HOST_KEY_CHANGED',
    permanent: true,
    applies: sshSaid(/REMOTE HOST IDENTIFICATION HAS CHANGED|host key .* has changed|REVOKED HOST KEY/i),
    what: 'the host has another key than the known one, so it may be another host',
    remedy: ({ host, port }) =>
      `ask who runs it; if the new key is right, forget the old one: ssh-keygen -R '${port === undefined ? host : `[${host}]:${port}`}'`,
  },
  {
    code: 'SSH_HOST_KEY_UNKNOWN',
    permanent: true,
    applies: sshSaid(/Host key verification failed|host key is known for/i),
    what: 'its key is not known here',
    remedy: ({ address }) =>
      `log in once by hand and compare the key (ssh ${asCommand(address)}), or add it to the known hosts file; \`hostKeys: accept-new\` accepts keys never seen before`,
  },
  {
    code: 'SSH_LOGIN_REFUSED',
    permanent: true,
    applies: sshSaid(/Permission denied|Too many authentication failures|Load key .*: /),
    what: 'it does not let us in',
    remedy: ({ address, identityFile }) =>
      `add the public key of ${identityFile ?? 'your identity or agent'} to ~/.ssh/authorized_keys there; to log in without a question must work: ssh -o BatchMode=yes ${asCommand(address)} true`,
  },
  {
    code: 'SSH_HOST_UNREACHABLE',
    permanent: false,
    applies: sshSaid(
      /Could not resolve|Connection (refused|timed out|closed|reset)|No route to host|Network is unreachable|Operation timed out|banner exchange|kex_exchange/i,
    ),
    what: 'it cannot be reached',
    remedy: () => 'check its name and port, that it is on, and that a network leads there',
  },
  {
    code: 'SSH_NODE_MISSING',
    permanent: true,
    applies: ({ exitCode, greeted }) => !greeted && (exitCode === NOT_FOUND || exitCode === NOT_EXECUTABLE),
    what: 'Node is not found there',
    remedy: ({ node, address }) =>
      `install Node 20.19 or newer, or set \`node\` to its full path, for a login without terminal may have another PATH [node=${node}, see=ssh ${asCommand(address)} 'command -v node']`,
  },
  {
    code: 'SSH_RUNTIME_NOT_STORED',
    permanent: true,
    applies: ({ exitCode }) => exitCode === LAUNCH_EXIT.notStored,
    what: 'the worker runtime cannot be stored there',
    remedy: ({ directory }) => `see that ${directory} can be written and has room, or set another \`directory\``,
  },
];

export function describeFailure(facts: SessionFacts): HostFailure {
  const { host, exitCode, stderr } = facts;
  const said = lastLineOf(stderr);
  const found = CASES.find(({ applies }) => applies(facts));
  if (found === undefined) {
    const how = exitCode === null ? 'ssh was killed' : `ssh ended with exit code ${exitCode}`;
    return {
      code: 'SSH_WORKER_NOT_STARTED',
      message: `No worker could be started on ${host.address}: ${how}${said}.`,
      permanent: false,
    };
  }
  const { code, permanent, what, remedy } = found;
  return { code, permanent, message: `No worker runs on ${host.address}: ${what}${said}; ${remedy(host)}.` };
}

export const noSshClient = (host: HostSettings, error: Error): HostFailure => ({
  code: 'SSH_CLIENT_MISSING',
  message: `No worker runs on ${host.address}: the program \`ssh\` cannot be started here (${error.message}); install the OpenSSH client.`,
  permanent: true,
});

export const unsuitableNode = (host: HostSettings, version: string, why: string): HostFailure => ({
  code: 'SSH_NODE_UNSUITABLE',
  message: `No worker runs on ${host.address}: its Node is ${version}, and ${why}; install another there, or set \`node\` to the full path of one.`,
  permanent: true,
});

export const noisyShell = (host: HostSettings): HostFailure => ({
  code: 'SSH_SHELL_NOISE',
  message: `No worker runs on ${host.address}: its login shell writes without end; see what \`ssh ${asCommand(host.address)} true\` prints.`,
  permanent: true,
});

export const tooLate = (host: HostSettings, timeoutMs: number, greeted: boolean): HostFailure => ({
  code: 'SSH_WORKER_NOT_STARTED',
  message: `No worker got ready on ${host.address} within ${timeoutMs} ms${greeted ? ', though Node runs there' : ''}; raise \`startTimeoutMs\` if it is that slow.`,
  permanent: false,
});

export const endsEarly = (host: HostSettings, how: string, stderr: string): HostFailure => ({
  code: 'SSH_WORKER_ENDS_EARLY',
  message: `Workers on ${host.address} end before they begin a call: ${how}${lastLineOf(stderr)}; see that the host reaches the storage and the monitoring.`,
  permanent: false,
});

/** The address as the arguments of `ssh`. */
function asCommand(address: string): string {
  const port = /:(\d+)$/.exec(address)?.[1];
  return port === undefined ? address : `-p ${port} ${address.slice(0, -port.length - 1).replaceAll(/[[\]]/g, '')}`;
}

/** ssh decorates its warnings; the last line is the gist. */
function lastLineOf(stderr: string): string {
  const line = stderr.trim().split('\n').at(-1)?.trim().replace(/\.$/, '');
  return line === undefined || line === '' ? '' : ` (${line})`;
}
