import type { FieldCause } from '../api-error.ts';
import type { ResourceName } from '../objects/cluster.ts';
import type { ObjectOf } from './resources.ts';

/** What creating and changing objects of one resource asks for beyond the rules of all objects. */
export interface Strategy<R extends ResourceName> {
  /** Fills in defaults and the first status; may refuse what refers to something that is not there. */
  readonly prepareCreate?: (draft: ObjectOf<R>) => void;
  readonly validate?: (object: ObjectOf<R>) => FieldCause[];
  /** Puts back what a writer may not change. */
  readonly prepareUpdate?: (draft: ObjectOf<R>, previous: ObjectOf<R>) => void;
  readonly validateUpdate?: (object: ObjectOf<R>, previous: ObjectOf<R>) => FieldCause[];
  /** The last look at a valid new object: quotas and policies. */
  readonly admit?: (object: ObjectOf<R>) => void;
}

export type Strategies = { readonly [R in ResourceName]: Strategy<R> };
