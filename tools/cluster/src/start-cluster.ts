/** Finds or starts a cluster: one that is named, kind's, or this machine's own. */
import { build, whyNoMachineCluster } from './build.ts';
import type { Cluster, StartClusterOptions } from './cluster.ts';
import { stopApi } from './control-plane.ts';
import { givenCluster, givenKubeconfig } from './given-cluster.ts';
import { isKindWanted, startKindCluster } from './kind-cluster.ts';
import { down, isUp, load, nodeNamed, startApiAgain, startNodeAgain, up } from './machine-cluster.ts';
import { DEFAULT_NODES } from './node-spec.ts';
import { killNode } from './node.ts';
import { POD_GATEWAY, kubeconfigFile } from './place.ts';

/** Why no cluster can be had here; `undefined` when {@link startCluster} can try. */
export function whyNoCluster(): string | undefined {
  if (givenKubeconfig() !== undefined || isKindWanted()) return undefined;
  const reason = whyNoMachineCluster();
  if (reason === undefined) return undefined;
  return `${reason}; set SPLITROCK_E2E_KUBECONFIG to use a cluster of yours, or SPLITROCK_E2E_CLUSTER=kind where Docker and kind are`;
}

/**
 * In this order: the cluster that `SPLITROCK_E2E_KUBECONFIG` names; kind's with `SPLITROCK_E2E_CLUSTER=kind`; this machine's,
 * which is used as it is when it is up, and else built (once), started, and stopped with the handle.
 */
export async function startCluster({ nodes = DEFAULT_NODES }: StartClusterOptions = {}): Promise<Cluster> {
  const given = givenKubeconfig();
  if (given !== undefined) return givenCluster(given);
  if (isKindWanted()) return startKindCluster();
  const isOurs = !(await isUp());
  if (isOurs) await startOwn(nodes);
  return {
    kubeconfig: kubeconfigFile,
    hostAddress: POD_GATEWAY,
    canBreak: true,
    loadImage: (archive) => load([archive]),
    killNode: async (name) => killNode(await nodeNamed(name)),
    startNode: startNodeAgain,
    stopApi,
    startApi: startApiAgain,
    stop: async () => {
      if (isOurs) await down();
    },
  };
}

async function startOwn(nodes: StartClusterOptions['nodes'] & object): Promise<void> {
  await build();
  try {
    await up(nodes);
  } catch (error) {
    await down();
    throw error;
  }
}
