/** A cluster by kind (https://kind.sigs.k8s.io), where Docker runs: `SPLITROCK_E2E_CLUSTER=kind`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './commands.ts';
import type { Cluster } from './cluster.ts';

const NAME = 'splitrock-test';
const CONTROL_PLANE = `${NAME}-control-plane`;

/** Two workers, whose capacity is the machine's: kind cannot advertise another. */
const CONFIG = `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes: [{ role: control-plane }, { role: worker }, { role: worker }]
`;

export const isKindWanted = (): boolean => process.env['SPLITROCK_E2E_CLUSTER'] === 'kind';

/** Nodes are called as kind calls them: `splitrock-test-worker`, `splitrock-test-worker2`. */
export async function startKindCluster(): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-kind-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(join(folder, 'kind.yaml'), CONFIG);
  const names = ['--name', NAME, '--kubeconfig', kubeconfig];
  await run('kind', ['create', 'cluster', ...names, '--config', join(folder, 'kind.yaml'), '--wait', '120s']);
  const docker = async (...args: readonly string[]): Promise<void> => void (await run('docker', args));
  return {
    kubeconfig,
    hostAddress: await gateway(),
    canBreak: true,
    loadImage: async (archive) => void (await run('kind', ['load', 'image-archive', archive, '--name', NAME])),
    killNode: (name) => docker('kill', name),
    startNode: (node) => {
      if (typeof node !== 'string') return Promise.reject(new Error('kind adds no node to a cluster that runs'));
      return docker('start', node);
    },
    stopApi: () => docker('pause', CONTROL_PLANE),
    startApi: () => docker('unpause', CONTROL_PLANE),
    stop: async () => {
      await run('kind', ['delete', 'cluster', ...names]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The machine's address on the network that kind's nodes are on. */
async function gateway(): Promise<string> {
  const format = '{{range .IPAM.Config}}{{.Gateway}} {{end}}';
  const gateways = await run('docker', ['network', 'inspect', 'kind', '--format', format]);
  const address = gateways.split(/\s+/).find((text) => /^[0-9.]+$/.test(text));
  if (address === undefined) throw new Error(`kind's network has no IPv4 gateway: ${gateways}`);
  return address;
}
