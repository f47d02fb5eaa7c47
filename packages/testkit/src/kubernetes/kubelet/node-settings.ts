import type { Clock } from '@splitrock/core/plugin';
import type { EventRecorder } from '../controllers/event-recorder.ts';
import type { Registry } from '../registry/registry.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { ImageRegistry } from './images.ts';

/** How long kubelets wait; the defaults are those of real ones. */
export interface KubeletTimings {
  /** Before a container that ended is started again; doubled each time. */
  readonly restartBackoffMs: number;
  readonly maxRestartBackoffMs: number;
  /** Before an image that could not be pulled is tried again; doubled each time up to the restart's maximum. */
  readonly pullBackoffMs: number;
  /** Between two looks at a secret or config map that was missing. */
  readonly retryMs: number;
}

/** What every kubelet of the cluster is given. */
export interface KubeletSettings {
  readonly store: ObjectStore;
  readonly registry: Registry;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly images: ImageRegistry;
  readonly timings: KubeletTimings;
  /** The second number of the pods' addresses, so that clusters side by side have different ones; 1 to 254. */
  readonly network: number;
  /** Where the volumes of pods are made. */
  readonly folder: string;
}
