import { describe, expect, it } from 'vitest';
import { hostsOf, sshBackendOptionsSchema } from '../src/options.ts';

const parse = (options: object) => sshBackendOptionsSchema.safeParse(options);

describe('options of the ssh backend', () => {
  it.each([
    { address: 'worker-1', means: { host: 'worker-1' } },
    { address: 'alice@worker-1.example.org:2222', means: { user: 'alice', host: 'worker-1.example.org', port: 2222 } },
    { address: '10.0.0.7:22', means: { host: '10.0.0.7', port: 22 } },
    { address: 'bob@[fe80::1%eth0]:22', means: { user: 'bob', host: 'fe80::1%eth0', port: 22 } },
    { address: '[::1]', means: { host: '::1' } },
  ])('reads $address', ({ address, means }) => {
    const [host] = hostsOf(sshBackendOptionsSchema.parse({ hosts: [address] }));
    expect(host).toEqual({ address, node: 'node', directory: '~/.cache/splitrock', ...means });
  });

  it.each([
    '',
    'a b',
    '-oProxyCommand=touch',
    'user@-host',
    'host:0',
    'host:70000',
    'host:port',
    'a@b@c',
    '::1:22',
    "host'; rm -rf ~",
    'host\nother',
  ])('refuses the address %j', (address) => {
    expect(parse({ hosts: [address] }).success).toBe(false);
  });

  it('puts what is said of a host over what is said of all', () => {
    const options = sshBackendOptionsSchema.parse({
      hosts: ['a', { address: 'b', slots: 2, node: '/opt/node/bin/node' }],
      slots: 8,
      directory: '/scratch',
    });
    expect(hostsOf(options)).toMatchObject([
      { host: 'a', slots: 8, node: 'node', directory: '/scratch' },
      { host: 'b', slots: 2, node: '/opt/node/bin/node', directory: '/scratch' },
    ]);
  });

  it('is read again as it was read, since workers do', () => {
    const once = sshBackendOptionsSchema.parse({ hosts: ['a', { address: 'b', slots: 2 }] });
    expect(sshBackendOptionsSchema.parse(once)).toEqual(once);
  });

  it.each([
    { hosts: [] },
    { hosts: ['a', 'a'] },
    { hosts: ['a'], slots: 0 },
    { hosts: ['a'], hostKeys: 'no' },
    { hosts: ['a'], knownHostsFile: 'a"b' },
    { hosts: ['a'], passwort: 'x' },
    {},
  ])('refuses %j', (options) => {
    expect(parse(options).success).toBe(false);
  });
});
