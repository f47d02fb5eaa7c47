/** Every code by which a pool tells why its workers do not run, with what to do. They are documented and stay. */
export const REMEDIES = {
  IMAGE_NAME_INVALID: 'correct the option image',
  IMAGE_PULL_FAILED:
    'check the option image, imagePullSecrets and that nodes reach the registry; `splitrock runtime push` makes an image available',
  KUBE_FORBIDDEN: 'ask for the permissions that `splitrock k8s rbac` prints',
  KUBE_NAMESPACE_MISSING: 'create the namespace or change the option namespace',
  KUBE_UNREACHABLE: 'workers that run go on; new ones start when the API server answers again',
  NODE_LOST: 'its calls run elsewhere; see `kubectl get nodes`',
  POD_REFUSED: 'change the options that the message names, or the policy of the namespace',
  POD_SECURITY_REFUSED:
    'worker pods meet Pod Security "restricted"; look for a stricter policy, or for the option runAsUser: cluster',
  POOL_NO_ROOM: 'free CPU or memory on a node, lower sizing.cpuPerProcess or memoryPerProcess, or add a node',
  POOL_QUOTA_EXCEEDED: 'raise the quota of the namespace, or lower maxWorkers or the size of workers',
  POOL_UNSCHEDULABLE: 'lower the size of workers, add nodes, or correct nodeSelector, tolerations and affinity',
  WORKER_CONFIG_FAILED: 'correct what the message names: the option runAsUser, env or the image’s user',
  WORKER_EVICTED: 'its calls run elsewhere; a higher priorityClass or larger requests make it rarer',
  WORKER_INIT_FAILED: 'see `kubectl describe pod`; an admission webhook may have added the init container',
  WORKER_OUT_OF_MEMORY: 'give workers more memory (sizing.memory, limits.memory) or let them run fewer calls at once',
  WORKER_START_FAILED: 'see what it wrote, in the details',
  WORKER_START_SLOW: 'see `kubectl describe pod`',
  WORKER_VOLUME_FAILED: 'check that the secrets, config maps and claims that the options name exist in the namespace',
} as const;

export type DiagnosisCode = keyof typeof REMEDIES;

/** One reason why workers do not run, or did not go on. */
export interface Trouble {
  readonly code: DiagnosisCode;
  /** What happened, with the cluster's own words; the remedy is added when it is told. */
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}
