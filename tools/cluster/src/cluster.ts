/** What suites get: some cluster, wherever it comes from. */
import type { NodeSpec } from './node-spec.ts';

export interface Cluster {
  /** Path of a kubeconfig with all rights in it. */
  readonly kubeconfig: string;
  /** Where pods reach services that listen on this machine; `undefined` when they cannot. */
  readonly hostAddress: string | undefined;
  /** Whether nodes and the API server can be taken away; the methods for it throw otherwise. */
  readonly canBreak: boolean;
  /** Brings an image archive to every node. @throws Error where nodes only pull */
  loadImage(archive: string): Promise<void>;
  /** Takes a node away as a power cut does. */
  killNode(name: string): Promise<void>;
  /** Gives a node back, as after a power cut: with no container running. Waits until it is Ready. A spec adds a new one. */
  startNode(node: NodeSpec | string): Promise<void>;
  /** Takes the API server away. */
  stopApi(): Promise<void>;
  /** Gives the API server back and waits until it serves. */
  startApi(): Promise<void>;
  /** Stops the cluster if this handle started it. Idempotent. */
  stop(): Promise<void>;
}

export interface StartClusterOptions {
  /** Wanted nodes; a cluster that runs already, or that somebody else runs, has those it has. */
  readonly nodes?: readonly NodeSpec[];
}
