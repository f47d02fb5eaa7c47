/** etcd, the API server, the controllers and the scheduler, straight on the machine. */
import { join } from 'node:path';
import { callApi } from './api.ts';
import { startDaemon, killDaemon } from './daemons.ts';
import { API_PORT, NODE_GATEWAY, STATE, kubeconfigFile, logFile, pkiFile, program } from './place.ts';
import { waitUntil } from './wait-until.ts';

const ETCD_URL = 'http://127.0.0.1:2479';
const ETCD_PEER_URL = 'http://127.0.0.1:2480';
/** How long a node may be silent before it counts as lost, and pods stay bound to it after that. Kubernetes' own: 40 and 300. */
const NODE_LOSS_SECONDS = 20;
const FEATURES = '--feature-gates=TTLAfterFinished=true';

export async function startControlPlane(): Promise<void> {
  await startEtcd();
  await startApi();
  await Promise.all([startControllers(), startScheduler()]);
}

/** What they would save in order is removed anyway. */
export async function stopControlPlane(): Promise<void> {
  for (const name of ['kube-scheduler', 'kube-controller-manager', 'kube-apiserver', 'etcd']) await killDaemon(name);
}

const startEtcd = (): Promise<void> =>
  startDaemon({
    name: 'etcd',
    command: 'etcd',
    args: [
      `--data-dir=${join(STATE, 'etcd')}`,
      `--listen-peer-urls=${ETCD_PEER_URL}`,
      `--listen-client-urls=${ETCD_URL}`,
      `--advertise-client-urls=${ETCD_URL}`,
      // Nothing here outlives the machine.
      '--unsafe-no-fsync',
    ],
  });

/** Starts the API server and waits until it serves. */
export async function startApi(): Promise<void> {
  await startDaemon({
    name: 'kube-apiserver',
    command: program('kube-apiserver'),
    args: [
      `--etcd-servers=${ETCD_URL}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      `--secure-port=${API_PORT}`,
      '--bind-address=0.0.0.0',
      `--advertise-address=${NODE_GATEWAY}`,
      '--authorization-mode=Node,RBAC',
      '--allow-privileged=true',
      `--default-not-ready-toleration-seconds=${NODE_LOSS_SECONDS}`,
      `--default-unreachable-toleration-seconds=${NODE_LOSS_SECONDS}`,
      `--client-ca-file=${pkiFile('ca.crt')}`,
      `--tls-cert-file=${pkiFile('api.crt')}`,
      `--tls-private-key-file=${pkiFile('api.key')}`,
      `--service-account-key-file=${pkiFile('service-accounts.pub')}`,
      `--service-account-signing-key-file=${pkiFile('service-accounts.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      '--kubelet-preferred-address-types=InternalIP',
      `--kubelet-client-certificate=${pkiFile('admin.crt')}`,
      `--kubelet-client-key=${pkiFile('admin.key')}`,
      FEATURES,
    ],
  });
  await waitUntil(
    { what: 'the API server', timeoutMs: 60_000, log: logFile('kube-apiserver') },
    async () => (await callApi('GET', '/readyz')).status === 200,
  );
}

/** Killed: in order it would take its time, and let its clients finish. */
export const stopApi = (): Promise<void> => killDaemon('kube-apiserver');

const startControllers = (): Promise<void> =>
  startDaemon({
    name: 'kube-controller-manager',
    command: program('kube-controller-manager'),
    args: [
      `--kubeconfig=${kubeconfigFile}`,
      `--service-account-private-key-file=${pkiFile('service-accounts.key')}`,
      `--root-ca-file=${pkiFile('ca.crt')}`,
      '--use-service-account-credentials',
      '--leader-elect=false',
      `--flex-volume-plugin-dir=${join(STATE, 'volume-plugins')}`,
      `--node-monitor-grace-period=${NODE_LOSS_SECONDS}s`,
      '--port=0',
      FEATURES,
    ],
  });

const startScheduler = (): Promise<void> =>
  startDaemon({
    name: 'kube-scheduler',
    command: program('kube-scheduler'),
    args: [`--kubeconfig=${kubeconfigFile}`, '--leader-elect=false', '--port=0'],
  });
