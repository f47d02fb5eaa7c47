/** Sees to it that there is a master. Whichever client needs one makes it; names follow from what all of them see. */
import type { OperationOptions } from '@splitrock/core/plugin';
import {
  fixedWorkerSize,
  poolPrefix,
  poolSelector,
  type KubeJob,
  type PoolBootstrap,
  type PoolIdentity,
} from '@splitrock/k8s-common';
import type { K8sBackendOptions } from '../k8s-backend-options.ts';
import { MASTER_LABEL } from './fleet.ts';
import { isFinished, type KubeJobs } from './kube-jobs.ts';
import { jobLabels } from './manifests.ts';

export interface MasterKeeperSetup {
  readonly kube: KubeJobs;
  readonly identity: PoolIdentity;
  readonly master: K8sBackendOptions['master'];
  readonly executorId: string;
  readonly keepSeconds: number;
  readonly bootstrap: PoolBootstrap;
}

export class MasterKeeper {
  readonly #setup: MasterKeeperSetup;
  #making: Promise<void> | undefined;

  constructor(setup: MasterKeeperSetup) {
    this.#setup = setup;
  }

  /** Makes one unless Kubernetes has one to keep alive. Once at a time. @throws KubeApiError */
  ensure(options: OperationOptions): Promise<void> {
    this.#making ??= this.#ensure(options).finally(() => (this.#making = undefined));
    return this.#making;
  }

  async #ensure(options: OperationOptions): Promise<void> {
    const { kube, identity, executorId, keepSeconds, bootstrap, master } = this.#setup;
    const masters = await kube.list(identity.namespace, poolSelector(identity, 'master'), options);
    if (masters.some((each) => !isFinished(each))) return;
    const number = Math.max(-1, ...masters.map(numberOf)) + 1;
    const sizing = { kind: 'fixed', cpu: master.cpu, memory: master.memory } as const;
    const limits = { cpu: 'none', memory: 'request' };
    const slots = { workerProcesses: 1, callsPerProcess: 1, kind: 'process' } as const;
    const size = fixedWorkerSize(sizing, { limits, slots, ephemeralStorage: undefined, extendedResources: {} });
    const plan = {
      name: `${poolPrefix(identity)}-master-${number}`,
      identity,
      parallelism: 1,
      size,
      place: 'master',
      madeBy: executorId,
      component: 'master' as const,
      args: ['--serve'],
      labels: jobLabels(MASTER_LABEL),
      keepSeconds,
    };
    await kube.create(plan, bootstrap, options);
    // Those that have left are in nobody's way, but nobody needs them.
    await Promise.all(masters.map(({ metadata }) => kube.remove(identity.namespace, metadata?.name ?? '', options)));
  }
}

const numberOf = ({ metadata }: KubeJob): number => Number(/-master-([0-9]+)$/.exec(metadata?.name ?? '')?.[1] ?? -1);
