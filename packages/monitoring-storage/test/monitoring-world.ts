/** A storage monitoring in memory under a clock that stands still: every operation is counted, every moment chosen. */
import {
  silentLogger,
  statusSegmentKey,
  encodeStatusSegment,
  type CallFinished,
  type JobRef,
  type StatusEvent,
} from '@splitrock/core/plugin';
import { plugin as memory } from '@splitrock/storage-memory';
import { InterceptedStorage, ManualClock } from '@splitrock/testkit';
import {
  StorageStatusPublisher,
  StorageStatusSubscriber,
  storageMonitoringOptionsSchema,
  type StorageMonitoringOptions,
} from '../src/index.ts';

export const JOB: JobRef = { executorId: 'abcdefghijkl', jobNumber: 1 };

export const finished = (callId: number, workerId = 'w1'): CallFinished => ({
  type: 'finished',
  callId,
  attempt: 1,
  workerId,
  slot: 0,
  startedAtMs: 1,
  finishedAtMs: 2,
  outcome: { kind: 'value', inline: new Uint8Array([1, 2, 3]) },
});

export interface WorldOptions extends Partial<StorageMonitoringOptions> {
  readonly watched?: boolean;
}

export class MonitoringWorld {
  readonly clock = new ManualClock();
  readonly storage: InterceptedStorage;
  readonly seen: number[] = [];
  readonly troubles: Error[] = [];
  readonly #options: StorageMonitoringOptions;

  constructor({ watched = false, ...options }: WorldOptions = {}) {
    const deps = { logger: silentLogger, clock: this.clock };
    const inner = memory.createStorage(memory.optionsSchema.parse({}), deps);
    if (inner instanceof Promise) throw new TypeError('storage in memory opens at once');
    this.storage = new InterceptedStorage(inner, { hideWatch: !watched });
    this.#options = storageMonitoringOptionsSchema.parse(options);
  }

  publisher(workerId = 'w1'): StorageStatusPublisher {
    return new StorageStatusPublisher(this.#options, { ...this.#deps, workerId });
  }

  subscriber(): StorageStatusSubscriber {
    return new StorageStatusSubscriber(this.#options, { ...this.#deps, executorId: JOB.executorId });
  }

  /** Subscribes and notes the call ids and troubles that come. */
  subscribe(job = JOB, subscriber = this.subscriber()) {
    return subscriber.subscribe(
      job,
      (events) => this.seen.push(...events.map(({ callId }) => callId)),
      (error) => this.troubles.push(error),
    );
  }

  /** Counts the watches on the storage from now on. */
  countWatches(): { opened: () => number; closed: () => number } {
    let [opened, closed] = [0, 0];
    const watch = this.storage.watch;
    if (watch === undefined) throw new TypeError('the storage of this world is not watched');
    this.storage.watch = async (...args) => {
      const inner = await watch(...args);
      opened += 1;
      return {
        close() {
          closed += 1;
          return inner.close();
        },
      };
    };
    return { opened: () => opened, closed: () => closed };
  }

  /** Writes a segment past the publisher. */
  async writeSegment(segment: number, events: readonly StatusEvent[], workerId = 'w1'): Promise<void> {
    await this.storage.put(statusSegmentKey(JOB, workerId, segment), encodeStatusSegment(workerId, events));
  }

  get #deps() {
    return { tenant: 't', storage: this.storage, logger: silentLogger, clock: this.clock };
  }
}
