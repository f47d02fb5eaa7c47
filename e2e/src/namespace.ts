/** A namespace of a suite's own, and pods in it as careful clusters want them. */
import { randomBytes } from 'node:crypto';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { expect, vi } from 'vitest';
import { core, surroundings } from './surroundings.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };

export interface PodPlan {
  readonly name: string;
  /** Replaces the image's entry point. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  /** A JSON file that the pod finds as /etc/splitrock/bootstrap.json. */
  readonly file?: unknown;
  readonly node?: string;
}

export interface FinishedPod {
  readonly exitCode: number | undefined;
  readonly log: string;
}

export class TestNamespace implements AsyncDisposable {
  readonly name = `e2e-${randomBytes(4).toString('hex')}`;

  static async create(): Promise<TestNamespace> {
    const namespace = new TestNamespace();
    await core.createNamespace({ body: { metadata: { name: namespace.name } } });
    // Pods are refused before their service account is there, even those that want no token of it.
    const account = { name: 'default', namespace: namespace.name };
    await vi.waitFor(() => core.readNamespacedServiceAccount(account), PATIENCE);
    return namespace;
  }

  async start(plan: PodPlan): Promise<void> {
    const { name: namespace } = this;
    if (plan.file !== undefined) {
      const stringData = { 'bootstrap.json': JSON.stringify(plan.file) };
      await core.createNamespacedSecret({ namespace, body: { metadata: { name: plan.name }, stringData } });
    }
    await core.createNamespacedPod({ namespace, body: restrictedPod(plan) });
  }

  pod(name: string): Promise<V1Pod> {
    return core.readNamespacedPod({ namespace: this.name, name });
  }

  async reached(name: string, phase: string): Promise<void> {
    await expect.poll(async () => (await this.pod(name)).status?.phase, PATIENCE).toBe(phase);
  }

  /** Runs a pod to its end. */
  async run(plan: PodPlan): Promise<FinishedPod> {
    await this.start(plan);
    const { name } = plan;
    await expect.poll(async () => (await this.pod(name)).status?.phase, PATIENCE).toMatch(/^(?:Succeeded|Failed)$/);
    const [container] = (await this.pod(name)).status?.containerStatuses ?? [];
    const log = await core.readNamespacedPodLog({ namespace: this.name, name });
    return { exitCode: container?.state?.terminated?.exitCode, log };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await core.deleteNamespace({ name: this.name, gracePeriodSeconds: 0 });
  }
}

/** Pod Security "restricted": https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
function restrictedPod({ name, command, args, file, node }: PodPlan): V1Pod {
  const worker: V1Container = {
    name: 'worker',
    image: surroundings.image,
    imagePullPolicy: 'IfNotPresent',
    env: [{ name: 'SPLITROCK_WORKER_ID', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  };
  if (command !== undefined) worker.command = [...command];
  if (args !== undefined) worker.args = [...args];
  if (file !== undefined) worker.volumeMounts?.push({ name: 'bootstrap', mountPath: '/etc/splitrock', readOnly: true });
  const bootstrap = { name: 'bootstrap', secret: { secretName: name, defaultMode: 0o444 } };
  return {
    metadata: { name },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      ...(node === undefined ? {} : { nodeSelector: { 'kubernetes.io/hostname': node } }),
      containers: [worker],
      volumes: [{ name: 'tmp', emptyDir: {} }, ...(file === undefined ? [] : [bootstrap])],
    },
  };
}
