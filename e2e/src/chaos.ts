/** Breaks things at random: quick faults one after the other, and outages one after the other beside them. */
import { setTimeout as pause } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '@splitrock/cluster';
import { restartService, stopService } from '@splitrock/services';
import { Random } from './random.ts';
import { core } from './surroundings.ts';
import { mainProcess, slotProcesses, type World } from './world.ts';

const FAULTS = ['slot', 'worker', 'pod', 'client'] as const;
const OUTAGES = ['node', 'broker', 'api', 'redis'] as const;
type Fault = (typeof FAULTS)[number];
type Outage = (typeof OUTAGES)[number];

export interface ChaosSetup {
  readonly seed: number;
  readonly world: World;
  readonly cluster: Cluster;
  /** Kills the client and starts another. */
  killClient(): Promise<void>;
}

export class Chaos {
  static readonly ALL: readonly string[] = [...FAULTS, ...OUTAGES];
  readonly #setup: ChaosSetup;
  readonly #counts = new Map<string, number>();

  constructor(setup: ChaosSetup) {
    this.#setup = setup;
  }

  get kinds(): ReadonlySet<string> {
    return new Set(this.#counts.keys());
  }

  summary(): string {
    return [...this.#counts].map(([kind, count]) => `${kind} ${count}`).join(', ');
  }

  /** For so long, or until there is nothing more to break. All is given back at its end. */
  async run(ms: number, isOver: () => boolean): Promise<void> {
    const endMs = performance.now() + ms;
    const goesOn = (): boolean => performance.now() < endMs && !isOver();
    await Promise.all([
      this.#series(new Random(this.#setup.seed), FAULTS, goesOn, [1_000, 8_000], (fault) => this.#fault(fault)),
      this.#series(new Random(this.#setup.seed + 1), OUTAGES, goesOn, [2_000, 10_000], (outage) =>
        this.#outage(outage),
      ),
    ]);
  }

  /** Each kind once, in some order, then again. */
  async #series<Kind extends string>(
    random: Random,
    kinds: readonly Kind[],
    goesOn: () => boolean,
    [least, most]: readonly [number, number],
    act: (kind: Kind) => Promise<void>,
  ): Promise<void> {
    let left: Kind[] = [];
    while (goesOn()) {
      if (left.length === 0) left = [...kinds];
      const kind = random.oneOf(left);
      left = left.filter((each) => each !== kind);
      console.log(`chaos: ${kind}`);
      await act(kind);
      this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
      await pause(random.between(least, most));
    }
  }

  async #fault(kind: Fault): Promise<void> {
    if (kind === 'client') return this.#setup.killClient();
    // Nothing of a pod is found while the API server is away, or when there is none; then it is left alone.
    const pod = await this.#somePod();
    if (pod === undefined) return;
    if (kind === 'pod') await this.#deletePod(pod);
    else kill(kind === 'slot' ? slotProcesses(pod)[0]?.pid : mainProcess(pod)?.pid);
  }

  async #outage(kind: Outage): Promise<void> {
    const { cluster } = this.#setup;
    if (kind === 'api')
      return outage(
        20_000,
        () => cluster.stopApi(),
        () => cluster.startApi(),
      );
    if (kind === 'node') {
      const { items } = await core.listNode();
      const node = items[0]?.metadata?.name ?? '';
      return outage(
        10_000,
        () => cluster.killNode(node),
        () => cluster.startNode(node),
      );
    }
    const [service, ms] = kind === 'broker' ? (['rabbitmq', 20_000] as const) : (['redis', 3_000] as const);
    return outage(
      ms,
      () => stopService(service),
      () => restartService(service),
    );
  }

  async #somePod(): Promise<V1Pod | undefined> {
    try {
      return (await this.#setup.world.runningPods())[0];
    } catch {
      return undefined;
    }
  }

  async #deletePod({ metadata }: V1Pod): Promise<void> {
    const { namespace } = this.#setup.world;
    await core
      .deleteNamespacedPod({ name: metadata?.name ?? '', namespace, gracePeriodSeconds: 0 })
      .catch(() => undefined);
  }
}

function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

async function outage(ms: number, take: () => Promise<unknown>, giveBack: () => Promise<unknown>): Promise<void> {
  await take();
  try {
    await pause(ms);
  } finally {
    await giveBack();
  }
}
