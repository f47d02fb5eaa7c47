/**
 * A pool of worker pods: the shell around {@link PoolMachine}, which decides.
 *
 * It watches the cluster, tells the machine what it sees, and performs what the machine wants. Nothing it does must
 * succeed: what fails is told as a diagnosis and comes up again while it is still wanted.
 */
import {
  IllegalStateError,
  type CleanResult,
  type Clock,
  type ClockTimer,
  type Logger,
  type OperationOptions,
  type StopOptions,
} from '@splitrock/core/plugin';
import { loadKubeAccess } from '../api/kube-access.ts';
import { EVENTS, KubeClient, PODS } from '../api/kube-client.ts';
import { isKubeStatus, KubeApiError } from '../api/kube-error.ts';
import type { Pod } from '../api/kube-objects.ts';
import { apiTrouble } from '../diagnosis/api-trouble.ts';
import { podDeath } from '../diagnosis/pod-death.ts';
import { eventTrouble } from '../diagnosis/pod-trouble.ts';
import { placementRules } from '../sizing/placement-rules.ts';
import { bootstrapSecret, type PoolBootstrap } from '../worker-pod/bootstrap-secret.ts';
import type { KubernetesOptions } from '../worker-pod/kubernetes-options.ts';
import { poolPrefix, poolSelector, type PoolIdentity } from '../worker-pod/pool-identity.ts';
import { pluginsInImage } from '../worker-pod/worker-plugins.ts';
import { workerPod } from '../worker-pod/worker-pod.ts';
import type { PoolDemand, WorkerPool, WorkerPoolListener } from '../worker-pool.ts';
import { ClusterView } from './cluster-view.ts';
import type { PodOrder, PoolEvent, PoolInstruction } from './pool-events.ts';
import { PoolMachine } from './pool-machine.ts';
import { PoolSecret } from './pool-secret.ts';
import { sweepPool } from './sweep-pool.ts';
import { viewPod, type PodView } from './pod-view.ts';

export interface KubernetesPoolSetup {
  readonly options: KubernetesOptions;
  readonly tenant: string;
  readonly executorId: string;
  /** Name of the pool within the tenant; see {@link poolNameOf}. */
  readonly pool: string;
  /** What workers start with; brought to them in a Secret, with plugins named and set as the image and the options say. */
  readonly bootstrap: PoolBootstrap;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Changes that come together are looked at together. */
const GATHER_MS = 20;

interface Connection {
  readonly client: KubeClient;
  readonly identity: PoolIdentity;
  readonly secret: PoolSecret;
}

export class KubernetesWorkerPool implements WorkerPool {
  readonly #setup: KubernetesPoolSetup;
  readonly #machine: PoolMachine;
  readonly #stop = new AbortController();
  readonly #underway = new Set<Promise<void>>();
  readonly #toPerform: PoolInstruction[] = [];
  #isPerforming = false;
  #connecting: Promise<Connection> | undefined;
  #view: ClusterView | undefined;
  #listener: WorkerPoolListener | undefined;
  #pods: readonly Pod[] = [];
  #gathering: ClockTimer | undefined;
  #wake: ClockTimer | undefined;

  /** @throws ConfigError `CONFIG_INVALID` for a plugin that no image can have. */
  constructor(setup: KubernetesPoolSetup) {
    const { options, executorId, tenant, pool, bootstrap } = setup;
    this.#setup = { ...setup, bootstrap: pluginsInImage(bootstrap, options.workerPlugins) };
    const prefix = poolPrefix({ tenant, pool, namespace: '' });
    this.#machine = new PoolMachine({ options, prefix, madeBy: executorId });
  }

  get maxSlots(): number {
    return this.#machine.maxSlots;
  }

  /** @throws ConfigError `KUBE_CONFIG_INVALID`. A cluster that does not answer is told as a diagnosis instead. */
  async start(listener: WorkerPoolListener, options: OperationOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#listener !== undefined || this.#stop.signal.aborted) {
      throw new IllegalStateError('ILLEGAL_STATE', 'A worker pool is started once and not used after its stop.');
    }
    this.#listener = listener;
    const { client, identity } = await this.#connect();
    if (this.#stop.signal.aborted) return;
    const { options: pool, clock } = this.#setup;
    const setup = {
      client,
      clock,
      namespace: identity.namespace,
      selector: poolSelector(identity, 'worker'),
      ...(pool.sizing.kind === 'per-node' ? { rules: placementRules(pool) } : {}),
    };
    this.#view = new ClusterView(setup, {
      podsChanged: (pods) => {
        this.#pods = pods;
        this.#gathering ??= clock.setTimer(() => this.#gathered(), GATHER_MS);
      },
      podRemoved: (removed) => this.#tell({ type: 'gone', pod: viewPod(removed), death: podDeath(removed) }),
      roomsChanged: (rooms) => this.#tell({ type: 'rooms', rooms }),
      trouble: (what, error) => this.#tell({ type: 'api', trouble: apiTrouble(what, error) }),
      recovered: () => this.#tell({ type: 'api', trouble: undefined }),
    });
    this.#view.start();
  }

  ensure({ slots }: PoolDemand): void {
    this.#tell({ type: 'demand', slots });
  }

  /**
   * Workers stay, for others may use them and their calls may go on without this client; idle ones leave by themselves.
   * Pods that this client made and that never began to run go at once, and what no worker uses with them.
   */
  async stop({ signal }: StopOptions = {}): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#gathering?.cancel();
    this.#wake?.cancel();
    await this.#view?.stop();
    await Promise.allSettled(this.#underway);
    const connection = await this.#connecting?.catch(() => undefined);
    if (connection === undefined) return;
    await this.#leave(connection, signal === undefined ? {} : { signal }).catch((error: unknown) =>
      this.#setup.logger.warn('what a worker pool left could not be removed', { error: String(error) }),
    );
    connection.client.close();
  }

  /** Removes pods that have ended and secrets that no pod uses, of the whole pool, whoever made them. */
  async clean(options: OperationOptions = {}): Promise<CleanResult> {
    const isOurs = this.#connecting === undefined || this.#stop.signal.aborted;
    const { client, identity, secret } = isOurs ? await this.#open() : await this.#connect();
    try {
      return { removed: await sweepPool(client, identity, secret.name, options) };
    } finally {
      if (isOurs) client.close();
    }
  }

  #connect(): Promise<Connection> {
    this.#connecting ??= this.#open();
    return this.#connecting;
  }

  async #open(): Promise<Connection> {
    const { options, tenant, pool, bootstrap, clock } = this.#setup;
    const access = await loadKubeAccess(options);
    const identity = { tenant, pool, namespace: access.namespace };
    const client = new KubeClient(access, { clock });
    return { client, identity, secret: new PoolSecret(client, bootstrapSecret(identity, bootstrap, options.labels)) };
  }

  #gathered(): void {
    this.#gathering = undefined;
    this.#tell({ type: 'pods', pods: this.#pods.map(viewPod) });
  }

  #tell(event: PoolEvent): void {
    if (this.#stop.signal.aborted) return;
    this.#toPerform.push(...this.#machine.handle(event, this.#setup.clock.now()));
    // A listener may tell a new demand at once; what that brings must not overtake what is still to be told.
    if (this.#isPerforming) return;
    this.#isPerforming = true;
    for (let next = this.#toPerform.shift(); next !== undefined; next = this.#toPerform.shift()) this.#perform(next);
    this.#isPerforming = false;
  }

  #perform(instruction: PoolInstruction): void {
    switch (instruction.type) {
      case 'create':
        return this.#run((connection) => this.#create(connection, instruction));
      case 'delete':
        return this.#run((connection) => this.#delete(connection, instruction));
      case 'examine':
        return this.#run((connection) => this.#examine(connection, instruction));
      case 'worker':
        return this.#listener?.workerChanged(instruction.change);
      case 'diagnosis':
        return this.#listener?.diagnosis(instruction.event);
      case 'wake':
        this.#wake?.cancel();
        this.#wake = this.#setup.clock.setTimer(() => this.#tell({ type: 'tick' }), instruction.delayMs);
    }
  }

  /** In the background; failures are the machine's to know. */
  #run(work: (connection: Connection) => Promise<void>): void {
    const running = this.#connect()
      .then(work)
      .catch((error: unknown) => {
        if (this.#stop.signal.aborted) return;
        this.#setup.logger.warn('a request of a worker pool failed', { error: String(error) });
      })
      .finally(() => this.#underway.delete(running));
    this.#underway.add(running);
  }

  async #create({ client, identity, secret }: Connection, order: PodOrder): Promise<void> {
    const { options, executorId } = this.#setup;
    const { signal } = this.#stop;
    const plan = { ...order, identity, secretName: secret.name, madeBy: executorId };
    try {
      await secret.ensure({ signal });
      await client.create(PODS, workerPod(plan, options), { signal });
      this.#tell({ type: 'created', name: order.name, outcome: 'created' });
    } catch (error) {
      if (signal.aborted) return;
      if (isKubeStatus(error, 409) && (error as KubeApiError).reason === 'AlreadyExists') {
        this.#tell({ type: 'created', name: order.name, outcome: 'exists' });
        return;
      }
      if (!(error instanceof KubeApiError)) throw error;
      this.#tell({ type: 'refused', name: order.name, trouble: apiTrouble('create a worker pod', error) });
    }
  }

  async #delete(
    { client, identity: { namespace } }: Connection,
    { name, uid }: { readonly name: string; readonly uid: string },
  ): Promise<void> {
    await client.delete(PODS, { name, uid, namespace }, { signal: this.#stop.signal });
  }

  async #examine(
    { client, identity: { namespace }, secret }: Connection,
    { name, uid }: { readonly name: string; readonly uid: string },
  ): Promise<void> {
    const fieldSelector = `involvedObject.uid=${uid}`;
    const { items } = await client.list(EVENTS, { namespace, fieldSelector }, { signal: this.#stop.signal });
    const pod = this.#pods.find(({ metadata }) => metadata?.uid === uid) ?? { metadata: { name } };
    const trouble = eventTrouble(pod, items);
    // Another client may have swept it away just when this pod came to need it.
    if (trouble?.message.includes(secret.name) === true) {
      secret.forget();
      await secret.ensure({ signal: this.#stop.signal });
    }
    this.#tell({ type: 'examined', uid, trouble });
  }

  /** Its own pods that never began to run, and what nobody uses then. */
  async #leave({ client, identity, secret }: Connection, options: OperationOptions): Promise<void> {
    const { namespace } = identity;
    const labelSelector = poolSelector(identity, 'worker');
    // What was made a moment ago is not in the copy yet.
    const { items } = await client.list(PODS, { namespace, labelSelector }, options);
    const isOwn = ({ phase, madeBy }: PodView): boolean => phase === 'pending' && madeBy === this.#setup.executorId;
    for (const { name, uid } of items.map(viewPod).filter(isOwn)) {
      await client.delete(PODS, { name, uid, namespace }, options);
    }
    await sweepPool(client, identity, secret.name, options);
  }
}
