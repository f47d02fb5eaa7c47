/** A container as the kubelet sees it, whatever stands behind it. */
export interface RunningContainer {
  /** The main process, where there is one. */
  readonly pid: number | undefined;
  readonly exited: Promise<ContainerExit>;
  /** Sends a signal; one that has ended already ignores it. SIGKILL takes everything that the container started. */
  signal(signal: NodeJS.Signals): void;
}

export interface ContainerExit {
  /** As a shell counts: 128 and the signal's number for what a signal ended. */
  readonly exitCode: number;
  /** `Completed`, `Error`, or why it was ended: `OOMKilled`. */
  readonly reason: string;
  readonly message?: string;
}

/** What an image is started with. */
export interface ContainerContext {
  readonly podName: string;
  readonly namespace: string;
  readonly nodeName: string;
  readonly container: string;
  /** Command and arguments of the pod, with variables and mount paths filled in; empty where the pod has none. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string | undefined;
  /** The variables of the pod, mount paths filled in. */
  readonly env: Readonly<Record<string, string>>;
  /** Where each mounted volume really is: `{ '/etc/config': '/tmp/…/volumes/config' }`. */
  readonly mounts: Readonly<Record<string, string>>;
  /** How often this container was started in this pod before. */
  readonly restarts: number;
}

/** Whether the container could not be started at all, as the runtime tells it. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
