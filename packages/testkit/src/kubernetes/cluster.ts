/** Puts the parts of the simulated cluster together. */
import { randomInt } from 'node:crypto';
import type { Clock } from '@splitrock/core/plugin';
import { EventRecorder } from './controllers/event-recorder.ts';
import { GarbageCollector } from './controllers/garbage-collector.ts';
import { JobController } from './controllers/job-controller.ts';
import { NamespaceController } from './controllers/namespace-controller.ts';
import { NodeLifecycle } from './controllers/node-lifecycle.ts';
import { PodGarbageCollector } from './controllers/pod-garbage-collector.ts';
import { QuotaController } from './controllers/quota-controller.ts';
import { TaintEviction } from './controllers/taint-eviction.ts';
import { ApiFaults } from './faults/api-faults.ts';
import { RequestLog } from './faults/request-log.ts';
import { ApiServer } from './http/api-server.ts';
import { ResourceHandler } from './http/resource-handler.ts';
import type { ImageRegistry } from './kubelet/images.ts';
import { Machines } from './kubelet/machines.ts';
import { Registry } from './registry/registry.ts';
import { createStrategies } from './registry/strategies.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import { ObjectStore } from './store/object-store.ts';
import type { SimulatedTimings } from './timings.ts';

export interface ClusterSettings {
  readonly clock: Clock;
  readonly timings: SimulatedTimings;
  readonly images: ImageRegistry;
  /** A folder of the cluster's own. */
  readonly folder: string;
  readonly token: string;
}

export interface Cluster {
  readonly store: ObjectStore;
  readonly registry: Registry;
  readonly events: EventRecorder;
  readonly machines: Machines;
  readonly nodeLifecycle: NodeLifecycle;
  readonly server: ApiServer;
  readonly faults: ApiFaults;
  readonly requests: RequestLog;
  stop(): Promise<void>;
}

export function assembleCluster({ clock, timings, images, folder, token }: ClusterSettings): Cluster {
  const store = new ObjectStore(clock);
  const defaultTolerationSeconds = Math.ceil(timings.defaultTolerationMs / 1000);
  const registry = new Registry(store, clock, createStrategies({ store, clock, defaultTolerationSeconds }));
  const events = new EventRecorder(store, clock);
  const machines = new Machines({
    store,
    registry,
    events,
    clock,
    images,
    timings,
    folder,
    network: randomInt(1, 255),
  });
  const { nodeMonitorGraceMs } = timings;
  const nodeLifecycle = new NodeLifecycle(store, events, clock, nodeMonitorGraceMs);
  const controllers = [
    nodeLifecycle,
    new NamespaceController(store, registry),
    new GarbageCollector(store, registry),
    new QuotaController(store),
    new TaintEviction({ store, registry, events, clock }),
    new PodGarbageCollector(store, registry, clock, nodeMonitorGraceMs),
    new JobController({ store, registry, events, clock, backoffMs: timings.jobBackoffMs }),
    new Scheduler(store, registry, events, clock),
  ];
  const { bookmarkIntervalMs } = timings;
  const handler = new ResourceHandler({ store, registry, clock, machines, bookmarkIntervalMs });
  const requests = new RequestLog();
  const server = new ApiServer({ handler, log: requests, clock, token });
  const faults = new ApiFaults(store, clock, handler.watches, () => server.cutConnections());
  server.useFaults(faults);
  return {
    store,
    registry,
    events,
    machines,
    nodeLifecycle,
    server,
    faults,
    requests,
    async stop() {
      await server.close();
      for (const controller of controllers) controller.stop();
      await machines.stop();
    },
  };
}
