/** What can be asked of a pod beside reading and writing it. */
import { badRequest, conflict } from '../api-error.ts';
import { setCondition } from '../objects/conditions.ts';
import type { ObjectKey } from '../objects/names.ts';
import { isFinished } from '../objects/pod.ts';
import { toTimestamp } from '../objects/timestamps.ts';
import { RESOURCES } from '../registry/resources.ts';
import type { DeleteOptions } from '../registry/deletion-rules.ts';
import type { Registry } from '../registry/registry.ts';
import type { Json } from '../store/patch.ts';
import type { ObjectStore } from '../store/object-store.ts';

const SUCCESS = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } as const;

/** `POST …/eviction`: a deletion that may be refused to keep enough pods; nothing here refuses it but faults. */
export function evictPod(
  registry: Registry,
  store: ObjectStore,
  key: ObjectKey,
  body: Json | undefined,
  nowMs: number,
): typeof SUCCESS {
  const { kind, deleteOptions = {} } = (body ?? {}) as { kind?: string; deleteOptions?: DeleteOptions };
  if (kind !== undefined && kind !== 'Eviction')
    throw badRequest(`the object provided is unrecognized (must be of type Eviction)`);
  if (!isFinished(registry.get('pods', key))) {
    const message = 'Eviction API: evicting';
    store.update('pods', key, ({ status }) => {
      const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message } as const;
      status.conditions ??= [];
      setCondition(status.conditions, condition, toTimestamp(nowMs));
    });
  }
  registry.delete('pods', key, deleteOptions);
  return SUCCESS;
}

/** `POST …/binding`: what a scheduler of one's own does. */
export function bindPod(
  registry: Registry,
  store: ObjectStore,
  key: ObjectKey,
  body: Json | undefined,
  nowMs: number,
): typeof SUCCESS {
  const node = (body as { target?: { name?: string } } | undefined)?.target?.name;
  const pod = registry.get('pods', key);
  if (node === undefined || node === '') throw badRequest('Binding "" is invalid: target.name: Required value');
  if (pod.spec.nodeName !== undefined) {
    throw conflict(RESOURCES.pods, key.name, `pod ${key.name} is already assigned to node "${pod.spec.nodeName}"`);
  }
  store.update('pods', key, (draft) => {
    draft.spec.nodeName = node;
    draft.status.conditions ??= [];
    setCondition(draft.status.conditions, { type: 'PodScheduled', status: 'True' }, toTimestamp(nowMs));
  });
  return SUCCESS;
}
