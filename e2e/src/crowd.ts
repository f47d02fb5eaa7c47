/**
 * A crowd of workers without pods: real call sources, as the worker's image has them, in whoever starts them. What calls do,
 * they only seem to do: each takes its time, and ends with what {@link valueOf} says. Everything that they tell, they tell
 * as workers do, to monitoring and to the master.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  encodeValue,
  silentLogger,
  systemClock,
  type BackendPlugin,
  type CallLease,
  type CallReceiver,
  type CallSource,
  type MonitoringPlugin,
  type PluginRef,
  type StatusEvent,
  type StatusPublisher,
  type Storage,
  type StoragePlugin,
  type WorkerBootstrap,
} from '@splitrock/core/plugin';
import { valueOf } from './watched-job.ts';

export interface CrowdPlan {
  readonly workers: number;
  /** How long each call takes. */
  readonly ms: number;
}

export class Crowd implements AsyncDisposable {
  readonly #storage: Storage;
  readonly #members: readonly Member[];

  private constructor(storage: Storage, members: readonly Member[]) {
    this.#storage = storage;
    this.#members = members;
  }

  /** Lets it join the workers of a job, by what these start with. Resolves once all of it is let in. */
  static async join(bootstrap: WorkerBootstrap, { workers, ms }: CrowdPlan): Promise<Crowd> {
    const backend = await load<BackendPlugin>(bootstrap.backend);
    const monitoring = await load<MonitoringPlugin>(bootstrap.monitoring);
    const stores = await load<StoragePlugin>(bootstrap.storage);
    const common = { logger: silentLogger, clock: systemClock };
    const storage = await stores.plugin.createStorage(stores.options, common);
    const members = await Promise.all(
      Array.from({ length: workers }, async (_, index) => {
        const workerId = `crowd-${index}`;
        const slots = { workerProcesses: 1, callsPerProcess: 1, kind: 'process' } as const;
        const deps = { workerId, tenant: bootstrap.tenant, slots, storage, ...common };
        const source = await backend.plugin.createCallSource(backend.options, deps);
        return new Member(workerId, source, await monitoring.plugin.createPublisher(monitoring.options, deps), ms);
      }),
    );
    await Promise.all(members.map((member) => member.start()));
    return new Crowd(storage, members);
  }

  /** Workers that have ended calls. */
  get busy(): number {
    return this.#members.filter(({ ended }) => ended > 0).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map((member) => member.stop()));
    await this.#storage.close();
  }
}

class Member implements CallReceiver {
  ended = 0;
  readonly #workerId: string;
  readonly #source: CallSource;
  readonly #publisher: StatusPublisher;
  readonly #ms: number;
  #turn = Promise.resolve();

  constructor(workerId: string, source: CallSource, publisher: StatusPublisher, ms: number) {
    this.#workerId = workerId;
    this.#source = source;
    this.#publisher = publisher;
    this.#ms = ms;
  }

  async start(): Promise<void> {
    await this.#source.start(this);
    // One that runs, and one that waits.
    this.#source.setCapacity(2);
  }

  async stop(): Promise<void> {
    await this.#turn;
    await this.#source.flush();
    await this.#source.stop();
    await this.#publisher.close();
  }

  deliver(lease: CallLease): void {
    for (let callId = lease.calls.from; callId < lease.calls.to; callId += 1) {
      this.#turn = this.#turn.then(() => this.#run(lease, callId));
    }
  }

  // The tests that have a crowd cancel nothing, and stop it themselves.
  cancel(): void {}
  endJob(): void {}
  shutdown(): void {}

  async #run(lease: CallLease, callId: number): Promise<void> {
    const startedAtMs = Date.now();
    lease.started?.(callId);
    await pause(this.#ms);
    const event: StatusEvent = {
      type: 'finished',
      callId,
      attempt: lease.attempt,
      workerId: this.#workerId,
      slot: 0,
      startedAtMs,
      finishedAtMs: Date.now(),
      outcome: { kind: 'value', inline: encodeValue(valueOf(callId)) },
    };
    await this.#publisher.publish(lease.job, [event]);
    this.#source.published?.(lease.job, [event]);
    lease.done(callId);
    this.ended += 1;
  }
}

async function load<Plugin extends BackendPlugin | MonitoringPlugin | StoragePlugin>(
  ref: PluginRef,
): Promise<{ readonly plugin: Plugin; readonly options: unknown }> {
  const { plugin } = (await import(ref.module)) as { plugin: Plugin };
  return { plugin, options: await plugin.optionsSchema.parseAsync(ref.options) };
}
