/** What a session is made of, without a session. */
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { AfterMarker, NoMarkerError } from '../src/host/after-marker.ts';
import { describeFailure } from '../src/host/host-failure.ts';
import { HostProblems } from '../src/host/host-problems.ts';
import { LAUNCH_EXIT } from '../src/host/launcher.ts';
import { sshArguments } from '../src/host/ssh-command.ts';

const HOST = { address: 'alice@worker-1', host: 'worker-1', user: 'alice', node: 'node', directory: '~/x' };
const REQUEST = { marker: 'm', workerId: 'w', directory: '~/x', sha256: 'f00', exit: LAUNCH_EXIT };

describe('AfterMarker', () => {
  it.each([
    { chunks: ['Welcome!\nspl', 'it\nabc', 'def'] },
    { chunks: ['split\nabcdef'] },
    { chunks: Array.from('split\nabcdef') },
  ])('passes on what follows in $chunks', async ({ chunks }) => {
    const filter = new AfterMarker('split\n');
    for (const chunk of chunks) filter.write(chunk);
    filter.end();
    expect(await text(filter)).toBe('abcdef');
  });

  it('does not wait for ever', async () => {
    const filter = new AfterMarker('split\n');
    filter.end('x'.repeat(70_000));
    await expect(text(filter)).rejects.toBeInstanceOf(NoMarkerError);
  });
});

describe('sshArguments', () => {
  const connection = { hostKeys: 'known', connectTimeoutMs: 1_500 } as const;

  it('checks the keys of hosts, asks nobody, and shares no connection', () => {
    const args = sshArguments(HOST, { ...connection, knownHostsFile: '/a b/known' }, REQUEST).join(' ');
    for (const setting of [
      'StrictHostKeyChecking=yes',
      'BatchMode=yes',
      'ControlPath=none',
      'ConnectTimeout=2',
      'UserKnownHostsFile="/a b/known"',
      'ForwardAgent=no',
    ]) {
      expect(args).toContain(`-o ${setting}`);
    }
    expect(sshArguments(HOST, { ...connection, hostKeys: 'accept-new' }, REQUEST)).toContain(
      'StrictHostKeyChecking=accept-new',
    );
  });

  it('lets no path become part of a command', () => {
    const node = `/it's; rm -rf "$HOME"/node`;
    const command = sshArguments({ ...HOST, node }, connection, REQUEST).at(-1);
    expect(command).toContain(String.raw`'/it'\''s; rm -rf "$HOME"/node'`);
  });
});

describe('describeFailure', () => {
  it.each([
    { stderr: 'ssh: Could not resolve hostname worker-1: Name or service not known', code: 'SSH_HOST_UNREACHABLE' },
    { stderr: 'ssh: connect to host worker-1 port 22: Connection timed out', code: 'SSH_HOST_UNREACHABLE' },
    { stderr: 'ssh: connect to host worker-1 port 22: No route to host', code: 'SSH_HOST_UNREACHABLE' },
    { stderr: 'alice@worker-1: Permission denied (publickey,password).', code: 'SSH_LOGIN_REFUSED' },
    { stderr: 'Received disconnect from 1.2.3.4: Too many authentication failures', code: 'SSH_LOGIN_REFUSED' },
    {
      stderr: 'No ED25519 host key is known for worker-1\nHost key verification failed.',
      code: 'SSH_HOST_KEY_UNKNOWN',
    },
    { stderr: 'something new', code: 'SSH_WORKER_NOT_STARTED' },
  ])('takes "$stderr" for $code', ({ stderr, code }) => {
    const failure = describeFailure({ host: HOST, exitCode: 255, stderr, greeted: false });
    expect(failure.code).toBe(code);
    expect(failure.message).toContain('alice@worker-1');
  });

  it('takes no exit code of a worker for one of ssh', () => {
    const failure = describeFailure({ host: HOST, exitCode: 69, stderr: 'Permission denied', greeted: true });
    expect(failure).toMatchObject({ code: 'SSH_WORKER_NOT_STARTED', permanent: false });
  });
});

describe('HostProblems', () => {
  it('says that a problem is over when the last host has got over it', () => {
    const problems = new HostProblems();
    const failure = { code: 'SSH_HOST_UNREACHABLE', message: 'gone', permanent: false };
    problems.set('a', failure);
    problems.set('b', failure);
    expect(problems.clear('a')).toBeUndefined();
    expect(problems.messages).toEqual(['gone']);
    expect(problems.clear('b')).toBe('SSH_HOST_UNREACHABLE');
    expect(problems.clear('b')).toBeUndefined();
  });
});
