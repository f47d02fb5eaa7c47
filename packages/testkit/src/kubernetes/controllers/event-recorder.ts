/** Events as the components of a cluster write them: what `kubectl describe` shows. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '@splitrock/core/plugin';
import type { Event } from '../objects/cluster.ts';
import type { KubernetesObject } from '../objects/metadata.ts';
import { toMicroTimestamp, toTimestamp } from '../objects/timestamps.ts';
import { referenceTo } from '../registry/resources.ts';
import type { ObjectStore } from '../store/object-store.ts';

export interface EventNotice {
  readonly type?: Event['type'];
  readonly reason: string;
  readonly message: string;
  /** The container that the event is about. */
  readonly container?: string | undefined;
}

export class EventRecorder {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  /** The events that are counted up instead of repeated, by what they say. */
  readonly #names = new Map<string, string>();

  constructor(store: ObjectStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The form of the kubelet and most controllers: the same event again raises its count. */
  record(object: KubernetesObject, component: string, notice: EventNotice, host?: string): void {
    const now = toTimestamp(this.#clock.now());
    const key = [object.metadata.uid, component, notice.reason, notice.message, notice.container].join('\n');
    const namespace = object.metadata.namespace ?? 'default';
    const name = this.#names.get(key);
    const counted =
      name !== undefined &&
      this.#store.update('events', { namespace, name }, (event) => {
        event.count = (event.count ?? 1) + 1;
        event.lastTimestamp = now;
      });
    if (counted !== false && counted !== undefined) return;
    const created = this.#create(object, notice, {
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      eventTime: null,
      source: { component, ...(host === undefined ? {} : { host }) },
      reportingComponent: component,
      reportingInstance: host ?? '',
    });
    this.#names.set(key, created.metadata.name);
  }

  /** The form of the scheduler, which speaks the newer events API: no counts, and the time in `eventTime`. */
  recordAction(object: KubernetesObject, component: string, action: string, notice: EventNotice): void {
    this.#create(object, notice, {
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: toMicroTimestamp(this.#clock.now()),
      action,
      source: {},
      reportingComponent: component,
      reportingInstance: `${component}-simulated`,
    });
  }

  #create(
    object: KubernetesObject,
    { type = 'Normal', reason, message, container }: EventNotice,
    form: Pick<
      Event,
      'firstTimestamp' | 'lastTimestamp' | 'eventTime' | 'source' | 'reportingComponent' | 'reportingInstance'
    > &
      Partial<Event>,
  ): Event {
    const fieldPath = container === undefined ? {} : { fieldPath: `spec.containers{${container}}` };
    return this.#store.create('events', {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name: `${object.metadata.name}.${randomBytes(8).toString('hex')}`,
        namespace: object.metadata.namespace ?? 'default',
      },
      involvedObject: { ...referenceTo(object), ...fieldPath },
      type,
      reason,
      message,
      ...form,
    });
  }
}
