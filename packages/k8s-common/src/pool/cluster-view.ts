/** The copies of pods and nodes that a pool decides by, and when they changed. */
import type { Clock } from '@splitrock/core/plugin';
import { Informer, type InformerListener } from '../api/informer.ts';
import { NODES, PODS, type KubeClient } from '../api/kube-client.ts';
import type { KubeApiError } from '../api/kube-error.ts';
import type { KubeNode, KubeObject, Pod } from '../api/kube-objects.ts';
import { nodeRooms, type NodeRoom } from '../sizing/node-room.ts';
import type { PlacementRules } from '../sizing/node-fit.ts';

export interface ClusterViewListener {
  podsChanged(pods: readonly Pod[]): void;
  podRemoved(pod: Pod): void;
  roomsChanged(rooms: readonly NodeRoom[]): void;
  trouble(what: string, error: KubeApiError): void;
  recovered(): void;
}

export interface ClusterViewSetup {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly namespace: string;
  /** Selects the pool's own pods. */
  readonly selector: string;
  /** Given where workers are sized to nodes: then all nodes, and all pods on them, are watched too. */
  readonly rules?: PlacementRules;
}

export class ClusterView {
  readonly #setup: ClusterViewSetup;
  readonly #listener: ClusterViewListener;
  readonly #informers: Informer<KubeObject>[] = [];
  readonly #known = new Set<string>();
  readonly #away = new Set<string>();

  constructor(setup: ClusterViewSetup, listener: ClusterViewListener) {
    this.#setup = setup;
    this.#listener = listener;
  }

  start(): void {
    const { client, clock, namespace, selector, rules } = this.#setup;
    const from = { client, clock };
    const own = { namespace, labelSelector: selector };
    const pods: Informer<Pod> = new Informer(from, PODS, own, {
      ...this.#health('watch worker pods'),
      changed: () => this.#listener.podsChanged(pods.objects),
      removed: (pod) => this.#listener.podRemoved(pod),
    });
    this.#informers.push(pods);
    if (rules !== undefined) this.#watchRooms(from, rules);
    for (const informer of this.#informers) informer.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.stop()));
  }

  #watchRooms(from: { readonly client: KubeClient; readonly clock: Clock }, rules: PlacementRules): void {
    const changed = (kind: string) => (): void => {
      this.#known.add(kind);
      if (this.#known.size === 2) this.#listener.roomsChanged(nodeRooms(nodes.objects, all.objects, rules));
    };
    const nodes: Informer<KubeNode> = new Informer(
      from,
      NODES,
      {},
      {
        ...this.#health('watch nodes'),
        changed: changed('nodes'),
        removed() {},
      },
    );
    const running = { fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' };
    const all: Informer<Pod> = new Informer(from, PODS, running, {
      ...this.#health('watch the pods of all namespaces'),
      changed: changed('pods'),
      removed() {},
    });
    this.#informers.push(nodes, all);
  }

  /** Told as one: the API is away while any of the copies grows old. */
  #health(what: string): Pick<InformerListener<never>, 'trouble' | 'recovered'> {
    return {
      trouble: (error) => {
        this.#away.add(what);
        this.#listener.trouble(what, error);
      },
      recovered: () => {
        this.#away.delete(what);
        if (this.#away.size === 0) this.#listener.recovered();
      },
    };
  }
}
