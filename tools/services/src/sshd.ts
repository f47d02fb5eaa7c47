/**
 * An ssh server on this machine's loopback: its own host key, one user (who runs it) with one key, nothing of this
 * machine's own configuration. It answers at 127.0.0.1 and 127.0.0.2, so that tests have two hosts.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Daemon, firstEnd, isListening } from './daemon.ts';
import type { RunningService, ServiceDefinition, ServicePlace } from './definition.ts';
import { rememberedPorts } from './remembered-ports.ts';

const run = promisify(execFile);
/** It starts itself anew for each connection, by its full path. */
const SSHD = '/usr/sbin/sshd';
const ADDRESSES = ['127.0.0.1', '127.0.0.2'];

function configText(folder: string, port: number): string {
  return `${ADDRESSES.map((address) => `ListenAddress ${address}:${port}`).join('\n')}
HostKey ${folder}/host_key
AuthorizedKeysFile ${folder}/user_key.pub
AuthenticationMethods publickey
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
MaxStartups 100
PrintMotd no
`;
}

/** Since 9.8 an address whose log-ins fail is shut out for a while; tests fail on purpose. Older ones do not know it. */
const NO_PENALTIES = 'PerSourcePenalties no\n';

async function writeConfig(file: string, text: string): Promise<void> {
  await writeFile(file, text + NO_PENALTIES);
  const isKnown = await run(SSHD, ['-t', '-f', file]).then(
    () => true,
    () => false,
  );
  if (!isKnown) await writeFile(file, text);
}

async function makeKey(file: string): Promise<string> {
  if (!existsSync(file)) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file]);
  return (await readFile(`${file}.pub`, 'utf8')).trim();
}

async function start({ folder }: ServicePlace): Promise<RunningService> {
  const [port = 0] = await rememberedPorts(folder, 1);
  const hostKey = await makeKey(join(folder, 'host_key'));
  await makeKey(join(folder, 'user_key'));
  const knownHosts = join(folder, 'known_hosts');
  const names = ADDRESSES.map((address) => `[${address}]:${port}`).join(',');
  await writeFile(knownHosts, `${names} ${hostKey}\n`);
  // Where root's server puts the process that talks to strangers; the package makes it when it starts its own service.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const config = join(folder, 'sshd_config');
  await writeConfig(config, configText(folder, port));
  const daemon = new Daemon({ name: 'sshd', folder, command: SSHD, args: ['-D', '-e', '-f', config] });
  await daemon.until(() => isListening(port), 20_000);
  return {
    environment: {
      SPLITROCK_TEST_SSH_HOST: `${userInfo().username}@127.0.0.1:${port}`,
      SPLITROCK_TEST_SSH_IDENTITY_FILE: join(folder, 'user_key'),
      SPLITROCK_TEST_SSH_KNOWN_HOSTS_FILE: knownHosts,
    },
    failed: firstEnd([daemon]),
    async stop() {
      const sessions = await childrenOf(daemon.pid);
      await daemon.stop();
      // Connections are served by processes that outlive it.
      for (const pid of sessions) endProcess(pid);
    },
  };
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has just ended by itself.
  }
}

export const sshd: ServiceDefinition = {
  name: 'sshd',
  variables: ['SPLITROCK_TEST_SSH_HOST', 'SPLITROCK_TEST_SSH_IDENTITY_FILE', 'SPLITROCK_TEST_SSH_KNOWN_HOSTS_FILE'],
  programs: [SSHD, 'ssh', 'ssh-keygen'],
  packages: ['openssh-server', 'openssh-client'],
  start,
};
