/** Where things lie on the machine: what is built once, what a running cluster has, and its addresses. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Debian 12's source package. */
export const KUBERNETES_VERSION = '1.20.2';
export const COMPONENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet'] as const;

/** What is built once and kept between runs. */
export const CACHE =
  process.env['SPLITROCK_CLUSTER_CACHE'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'splitrock', 'cluster');

/** All that a running cluster writes; gone after `down`. One machine has one cluster: its network is the machine's. */
export const STATE = process.env['SPLITROCK_CLUSTER_STATE'] ?? '/var/tmp/splitrock-cluster';

export const programs = join(CACHE, `kubernetes-${KUBERNETES_VERSION}`);
export const program = (component: (typeof COMPONENTS)[number]): string => join(programs, component);
export const pauseArchive = join(CACHE, 'pause.tar');

export const kubeconfigFile = join(STATE, 'kubeconfig');
export const logFile = (name: string): string => join(STATE, 'log', `${name}.log`);
export const pidFile = (name: string): string => join(STATE, 'pid', name);
export const pkiFile = (name: string): string => join(STATE, 'pki', name);
export const nodeFolder = (name: string): string => join(STATE, 'nodes', name);
/** containerd's sockets and mounts, which must have short paths. */
export const runFolder = (name: string): string => `/run/splitrock-${name}`;
export const containerdSocket = (name: string): string => `${runFolder(name)}.sock`;

/** The nodes' own network, a bridge that only this machine is on. */
export const NODE_BRIDGE = 'splitrock-nodes';
export const NODE_GATEWAY = '10.200.0.1';
export const nodeAddress = (index: number): string => `10.200.0.${11 + index}`;
/** The pods' network. Pods reach services of this machine at the gateway's address, when these listen there. */
export const POD_BRIDGE = 'splitrock-pods';
export const POD_NETWORK = '10.88.0.0/16';
export const POD_GATEWAY = '10.88.0.1';

export const API_PORT = 6443;
export const API_URL = `https://127.0.0.1:${API_PORT}`;
