import type { ResourceName } from '../objects/cluster.ts';
import type { ObjectOf } from '../registry/resources.ts';

/** One committed change. Objects are never changed after they were stored: a change makes a new one. */
export interface Change<R extends ResourceName = ResourceName> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: R;
  readonly object: ObjectOf<R>;
  /** What was stored before. */
  readonly previous: ObjectOf<R> | undefined;
  readonly version: number;
}

/** Narrows a change to those of one resource. */
export function isChangeOf<R extends ResourceName>(change: Change, resource: R): change is Change & Change<R> {
  return change.resource === resource;
}
