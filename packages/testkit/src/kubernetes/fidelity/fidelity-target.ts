/** A cluster that the suite is run against: the simulated one, or a real one. */
export interface KubernetesTarget {
  /** Names the suite: `the simulated Kubernetes`. */
  readonly name: string;
  /** Starts or reaches the cluster, once for the whole suite. */
  readonly setup: () => Promise<ReachedKubernetes>;
  readonly capabilities: KubernetesCapabilities;
  /** How long the suite waits for anything before a case fails, in milliseconds. @defaultValue 60_000 */
  readonly deadlineMs?: number;
}

export interface ReachedKubernetes {
  /** Its text. */
  readonly kubeconfig: string;
  /** An image that every node has, with a shell in it. */
  readonly shell: ShellImage;
  /** Makes the API forget its history, so that watches of older versions are refused. */
  readonly forgetHistory?: () => void;
  close(): Promise<void>;
}

/** How pods run a script; the shell's own commands must do, since the image may hold nothing else. */
export interface ShellImage {
  readonly image: string;
  /** What comes before the script: `['/bin/sh', '-c']`. */
  readonly command: readonly string[];
  /** What sleeps, as a script writes it: `/bin/busybox sleep`. */
  readonly sleep: string;
}

/** What the cluster has, by its version and its build; cases are left out only for what it declares it has not. */
export interface KubernetesCapabilities {
  /** Enforces Pod Security levels by namespace label: from 1.25. */
  readonly podSecurity: boolean;
  /** Runs indexed jobs: from 1.24. */
  readonly indexedJobs: boolean;
  /** Can be made to forget its history. */
  readonly forgetHistory: boolean;
}
