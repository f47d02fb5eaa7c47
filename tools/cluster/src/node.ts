/** A node: a containerd and a kubelet of its own, its address, its control groups, and what it advertises. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { callApi, expectApi } from './api.ts';
import { cgroupOf, makeCgroups, processesOf, removeCgroups } from './cgroups.ts';
import { succeeds } from './commands.ts';
import { daemonPid, killDaemon, startDaemon } from './daemons.ts';
import { importImages } from './images.ts';
import { cniFolder, giveNodeAddress } from './network.ts';
import { inMountsOf, inNewMounts, makeMountPoints } from './node-mounts.ts';
import type { NodeSpec } from './node-spec.ts';
import {
  STATE,
  containerdSocket,
  kubeconfigFile,
  logFile,
  nodeAddress,
  nodeFolder,
  pauseArchive,
  pkiFile,
  program,
  runFolder,
} from './place.ts';
import { kill, processesWith } from './processes.ts';
import { PAUSE_IMAGE } from './pause-image.ts';
import { waitUntil } from './wait-until.ts';

/** A node of a running cluster. Its index gives it an address and ports. */
export interface ClusterNode extends NodeSpec {
  readonly index: number;
}

const kubeletName = ({ name }: ClusterNode): string => `kubelet-${name}`;
const containerdName = ({ name }: ClusterNode): string => `containerd-${name}`;

/**
 * Starts a node and waits until it is Ready. It registers anew: what ran on it before is forgotten.
 * @param archives - Images that it has before it joins.
 */
export async function startNode(node: ClusterNode, archives: readonly string[] = []): Promise<void> {
  await callApi('DELETE', `/api/v1/nodes/${node.name}`);
  await mkdir(nodeFolder(node.name), { recursive: true });
  await forgetRun(node.name);
  await makeMountPoints(node.name);
  await giveNodeAddress(node.index);
  await makeCgroups(node.name);
  await startContainerd(node);
  await importImages(node.name, archives);
  await startKubelet(node);
  await settle(node);
}

/** What a power cut looks like: nothing on the node gets a chance to say goodbye. */
export async function killNode(node: ClusterNode): Promise<void> {
  await killDaemon(kubeletName(node));
  await killDaemon(containerdName(node));
  // Shims outlive their containerd. They go first: one that sees its container end would tidy up after it.
  const socket = containerdSocket(node.name);
  const shims = processesWith(
    ([command = '', ...args]) => command.includes('containerd-shim') && args.includes(socket),
  );
  for (const pid of [...shims, ...processesOf(node.name)]) await kill(pid);
  // What was being started while we looked.
  for (const pid of processesOf(node.name)) await kill(pid);
}

/** Removes what a node that was killed has left on the machine. Its mounts went with its processes. */
export async function removeNode(node: ClusterNode): Promise<void> {
  await waitUntil({ what: `the end of ${node.name}'s processes`, timeoutMs: 10_000 }, async () => {
    await removeCgroups(node.name);
    return processesOf(node.name).length === 0;
  });
  await forgetRun(node.name);
}

/** What lies in memory on a machine, and is gone after a power cut. */
async function forgetRun(name: string): Promise<void> {
  const socket = containerdSocket(name);
  for (const path of [runFolder(name), socket, `${socket}.ttrpc`]) await rm(path, { recursive: true, force: true });
}

async function startContainerd(node: ClusterNode): Promise<void> {
  const config = join(nodeFolder(node.name), 'containerd.toml');
  await writeFile(config, containerdConfig(node.name));
  const containerd = { name: containerdName(node), command: 'containerd', args: ['-c', config] };
  await startDaemon(inNewMounts(node.name, containerd));
  await waitUntil({ what: `containerd of ${node.name}`, timeoutMs: 20_000, log: logFile(containerdName(node)) }, () =>
    succeeds('ctr', ['-a', containerdSocket(node.name), 'version']),
  );
  await importImages(node.name, [pauseArchive]);
}

/** `restrict_oom_score_adj`: without CAP_SYS_RESOURCE no process may lower its score, and no pod would start. */
const containerdConfig = (name: string): string => `version = 2
root = "${nodeFolder(name)}/containerd"
state = "${runFolder(name)}"
[grpc]
  address = "${containerdSocket(name)}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${nodeFolder(name)}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  netns_mounts_under_state_dir = true
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${cniFolder}"
`;

async function startKubelet(node: ClusterNode): Promise<void> {
  const folder = nodeFolder(node.name);
  const config = join(folder, 'kubelet.json');
  await writeFile(config, JSON.stringify(kubeletConfig(node)));
  const containerd = await daemonPid(containerdName(node));
  if (containerd === undefined)
    throw new Error(`containerd of ${node.name} ended; its log is ${logFile(containerdName(node))}`);
  const kubelet = {
    name: kubeletName(node),
    command: program('kubelet'),
    args: [
      `--config=${config}`,
      `--kubeconfig=${kubeconfigFile}`,
      `--hostname-override=${node.name}`,
      `--node-ip=${nodeAddress(node.index)}`,
      '--container-runtime=remote',
      `--container-runtime-endpoint=unix://${containerdSocket(node.name)}`,
      `--root-dir=${join(folder, 'kubelet')}`,
      `--cert-dir=${join(STATE, 'pki', node.name)}`,
      `--volume-plugin-dir=${join(folder, 'volume-plugins')}`,
      '--runtime-cgroups=/',
      '--kubelet-cgroups=/',
    ],
  };
  await startDaemon(inMountsOf(containerd, kubelet));
}

function kubeletConfig(node: ClusterNode): unknown {
  const port = 10_250 + node.index * 10;
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: nodeAddress(node.index),
    port,
    healthzPort: port + 8,
    readOnlyPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: pkiFile('ca.crt') },
    },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cgroupOf(node.name),
    enforceNodeAllocatable: ['pods'],
    failSwapOn: false,
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    maxPods: MAX_PODS,
    // Never by itself, see `settle`. That it lives it says by its lease, which is another thing.
    nodeStatusUpdateFrequency: '24h',
    nodeStatusReportFrequency: '24h',
  };
}

const MAX_PODS = 250;
const KUBELET_SETTLE_MS = 4_000;

/**
 * Makes a node Ready and sets what it advertises.
 *
 * A kubelet reports the machine's capacity with every status, so it must send no more of them once ours is set. It sends
 * one when it registers, before it knows its containerd to be well, and one when it is given a range of addresses for its
 * pods (which nothing here uses): so that is given once it has had the time to look, and nothing but time tells when.
 * Nobody may plan with the machine's capacity meanwhile: the node takes pods once it advertises its own.
 */
async function settle(node: ClusterNode): Promise<void> {
  const path = `/api/v1/nodes/${node.name}`;
  const log = logFile(kubeletName(node));
  await waitUntil(
    { what: `${node.name} to register`, timeoutMs: 30_000, log },
    async () => (await callApi('GET', path)).status === 200,
  );
  await pause(KUBELET_SETTLE_MS);
  await expectApi('PATCH', path, { spec: { podCIDR: `10.99.${node.index}.0/24`, unschedulable: true } });
  await waitUntil({ what: `${node.name} to be Ready`, timeoutMs: 20_000, log }, () => isReady(path));
  const resources = { cpu: node.cpu, memory: node.memory, pods: String(MAX_PODS) };
  await expectApi('PATCH', `${path}/status`, { status: { capacity: resources, allocatable: resources } });
  await expectApi('PATCH', path, { spec: { unschedulable: false } });
  await waitUntil({ what: `${node.name} to take pods`, timeoutMs: 20_000, log }, async () => {
    const { spec } = JSON.parse(await expectApi('GET', path)) as { spec?: { taints?: readonly { key: string }[] } };
    return spec?.taints?.some(({ key }) => key === 'node.kubernetes.io/unschedulable') !== true;
  });
}

/**
 * Keeps a running node Ready after the API server was away, `since` it answers again.
 *
 * The controllers may find a node's last word to be old before the node gets a new one through. A kubelet mends that with
 * its next status; ours send none (see {@link settle}), so what it would say is said here, once its lease shows that it lives.
 */
export async function keepReady(node: ClusterNode, since: Date): Promise<void> {
  const log = logFile(kubeletName(node));
  const lease = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${node.name}`;
  await waitUntil({ what: `${node.name} to find the API server`, timeoutMs: 60_000, log }, async () => {
    const { spec } = JSON.parse(await expectApi('GET', lease)) as { spec?: { renewTime?: string } };
    return new Date(spec?.renewTime ?? 0) > since;
  });
  // A node that the controllers looked at just before its lease came is given up in that round, not later.
  await pause(CONTROLLER_ROUND_MS);
  const path = `/api/v1/nodes/${node.name}`;
  if (!(await isReady(path))) await expectApi('PATCH', `${path}/status`, { status: { conditions: healthy() } });
}

const CONTROLLER_ROUND_MS = 6_000;

function healthy(): unknown {
  const now = new Date().toISOString();
  const said = (type: string, status: string): object => ({
    type,
    status,
    reason: type === 'Ready' ? 'KubeletReady' : `KubeletHasNo${type}`,
    message: 'as before the API server was away',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  const pressures = ['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => said(type, 'False'));
  return [...pressures, said('Ready', 'True')];
}

interface NodeBody {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function isReady(path: string): Promise<boolean> {
  const { status } = JSON.parse(await expectApi('GET', path)) as NodeBody;
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}
