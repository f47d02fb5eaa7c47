/**
 * The network of nodes and pods: two bridges of this machine. Both exist, with their addresses, before any pod does, so
 * that services of the machine can listen there first.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, succeeds } from './commands.ts';
import { NODE_BRIDGE, NODE_GATEWAY, POD_BRIDGE, POD_GATEWAY, POD_NETWORK, STATE, nodeAddress } from './place.ts';

export const cniFolder = join(STATE, 'cni');
const FORWARDING = '/proc/sys/net/ipv4/ip_forward';
/** What the machine had before. */
const forwardingBefore = join(STATE, 'ip_forward');
/** In the comment of each of our iptables rules, by which they are found again. */
const NETWORK_NAME = 'splitrock-pods';

export async function makeNetwork(): Promise<void> {
  await makeBridge(NODE_BRIDGE, `${NODE_GATEWAY}/24`);
  await makeBridge(POD_BRIDGE, `${POD_GATEWAY}/16`);
  await writeFile(forwardingBefore, await readFile(FORWARDING, 'utf8'));
  await writeFile(FORWARDING, '1');
  await mkdir(cniFolder, { recursive: true });
  await writeFile(join(cniFolder, '10-pods.conflist'), JSON.stringify(cniConfig()));
}

export const giveNodeAddress = (index: number): Promise<unknown> =>
  run('ip', ['addr', 'replace', `${nodeAddress(index)}/24`, 'dev', NODE_BRIDGE]);

/** Removes bridges and rules, as far as they are there. Pods' namespaces are mounts, which go with their node. */
export async function removeNetwork(): Promise<void> {
  for (const bridge of [POD_BRIDGE, NODE_BRIDGE]) await succeeds('ip', ['link', 'del', bridge]);
  await removeRules();
  const before = await readFile(forwardingBefore, 'utf8').catch(() => undefined);
  if (before !== undefined) await writeFile(FORWARDING, before);
}

async function makeBridge(name: string, address: string): Promise<void> {
  if (!(await succeeds('ip', ['link', 'show', name]))) await run('ip', ['link', 'add', name, 'type', 'bridge']);
  // One of its own. Otherwise it is that of some pod, and whenever that changes, pods that live on send to the old one: for
  // half a minute nothing of theirs arrives.
  await run('ip', ['link', 'set', name, 'address', hardwareAddress(address)]);
  await run('ip', ['addr', 'replace', address, 'dev', name]);
  await run('ip', ['link', 'set', name, 'up']);
}

/** Locally administered, made of the address: `10.88.0.1/16` has `0a:58:0a:58:00:01`. */
const hardwareAddress = (address: string): string =>
  [
    '0a',
    '58',
    ...(address.split('/')[0] ?? '').split('.').map((part) => Number(part).toString(16).padStart(2, '0')),
  ].join(':');

const cniConfig = (): unknown => ({
  cniVersion: '0.4.0',
  name: NETWORK_NAME,
  plugins: [
    {
      type: 'bridge',
      bridge: POD_BRIDGE,
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: {
        type: 'host-local',
        ranges: [[{ subnet: POD_NETWORK, gateway: POD_GATEWAY }]],
        routes: [{ dst: '0.0.0.0/0' }],
        dataDir: join(STATE, 'addresses'),
      },
    },
  ],
});

/** Pods that were killed with their node had no time to take back their address translation. */
async function removeRules(): Promise<void> {
  const rules = (await run('iptables-save', ['-t', 'nat']).catch(() => ''))
    .split('\n')
    .filter((rule) => rule.startsWith('-A ') && rule.includes(`name: \\"${NETWORK_NAME}\\"`));
  const chains = new Set<string>();
  for (const rule of rules) {
    const chain = / -j (CNI-[0-9a-f]+)/.exec(rule)?.[1];
    if (chain !== undefined && rule.startsWith('-A POSTROUTING ')) chains.add(chain);
    await run('sh', ['-c', `iptables -t nat ${rule.replace(/^-A/, '-D')}`]);
  }
  for (const chain of chains) {
    await run('iptables', ['-t', 'nat', '-F', chain]);
    await run('iptables', ['-t', 'nat', '-X', chain]);
  }
}
