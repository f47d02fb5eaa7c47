/** What happens to a pool, and what it wants done. */
import type { BackendDiagnosis, WorkerChange } from '@splitrock/core/plugin';
import type { Trouble } from '../diagnosis/diagnosis-codes.ts';
import type { PodDeath } from '../diagnosis/pod-death.ts';
import type { NodeRoom } from '../sizing/node-room.ts';
import type { WorkerSize } from '../sizing/worker-size.ts';
import type { PodView } from './pod-view.ts';

export type PoolEvent =
  /** Slots wanted in all; 0: nothing waits. */
  | { readonly type: 'demand'; readonly slots: number }
  /** All pods of the pool that there are now; told again from time to time, also when nothing changed. */
  | { readonly type: 'pods'; readonly pods: readonly PodView[] }
  /** A pod was removed from the API; its last state, and what can be told of its end. */
  | { readonly type: 'gone'; readonly pod: PodView; readonly death: PodDeath }
  /** The nodes with what is free on them; needed for sizing per node only. */
  | { readonly type: 'rooms'; readonly rooms: readonly NodeRoom[] }
  /** A `create` was performed; `exists`: another client was faster. */
  | { readonly type: 'created'; readonly name: string; readonly outcome: 'created' | 'exists' }
  | { readonly type: 'refused'; readonly name: string; readonly trouble: Trouble }
  /** What the events of a pod say, as asked by `examine`. */
  | { readonly type: 'examined'; readonly uid: string; readonly trouble: Trouble | undefined }
  /** The API server stopped answering, or answers again. */
  | { readonly type: 'api'; readonly trouble: Trouble | undefined }
  /** Time has passed, as asked by `wake`. */
  | { readonly type: 'tick' };

export type PoolInstruction =
  | PodOrder
  /** Only while it is still the pod of this uid. */
  | { readonly type: 'delete'; readonly name: string; readonly uid: string }
  | { readonly type: 'worker'; readonly change: WorkerChange }
  | { readonly type: 'diagnosis'; readonly event: BackendDiagnosis }
  /** Ask the API for the events of a pod that should run and does not say why it does not. */
  | { readonly type: 'examine'; readonly name: string; readonly uid: string }
  /** Send `tick` after this time; replaces earlier wishes. */
  | { readonly type: 'wake'; readonly delayMs: number };

export interface PodOrder {
  readonly type: 'create';
  readonly name: string;
  readonly place: string;
  readonly size: WorkerSize;
  readonly hostname?: string;
}
