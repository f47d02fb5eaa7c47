/** A cluster that somebody else runs, named by `SPLITROCK_E2E_KUBECONFIG`. */
import type { Cluster } from './cluster.ts';

/** The kubeconfig that the environment names. */
export const givenKubeconfig = (): string | undefined => process.env['SPLITROCK_E2E_KUBECONFIG'] || undefined;

export function givenCluster(kubeconfig: string): Cluster {
  const refuse = (what: string) => (): Promise<never> =>
    Promise.reject(new Error(`${what} of the cluster in ${kubeconfig} is its owner's; nothing here may`));
  return {
    kubeconfig,
    hostAddress: process.env['SPLITROCK_E2E_HOST_ADDRESS'] || undefined,
    canBreak: false,
    loadImage: refuse('Loading images into nodes (push to a registry instead and set SPLITROCK_E2E_IMAGE)'),
    killNode: refuse('Killing a node'),
    startNode: refuse('Starting a node'),
    stopApi: refuse('Stopping the API server'),
    startApi: refuse('Starting the API server'),
    stop: () => Promise.resolve(),
  };
}
