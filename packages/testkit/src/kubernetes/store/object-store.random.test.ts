import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ManualClock } from '../../manual-clock.ts';
import type { ConfigMap } from '../objects/cluster.ts';
import { ObjectStore } from './object-store.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const action = fc.record({
  what: fc.constantFrom('create', 'update', 'remove', 'remember', 'forget'),
  name: fc.constantFrom(...NAMES),
  value: fc.nat(3),
});

it('whoever lists once and then hears the changes knows what is stored, or is told that it cannot', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const store = new ObjectStore(new ManualClock());
      const lists: { version: number; objects: Map<string, ConfigMap> }[] = [];
      let forgotten = store.version;
      const snapshot = (): Map<string, ConfigMap> =>
        new Map(store.list('configmaps').map((object) => [object.metadata.name, object]));
      for (const { what, name, value } of actions) {
        const key = { namespace: 'x', name };
        if (what === 'remember') lists.push({ version: store.version, objects: snapshot() });
        else if (what === 'forget') store.history.forget((forgotten = store.version));
        else if (what === 'remove') store.remove('configmaps', key);
        else if (store.get('configmaps', key) === undefined) {
          store.create('configmaps', {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: key,
            data: { value: String(value) },
          });
        } else {
          store.update('configmaps', key, (draft) => {
            draft.data = { value: String(value) };
          });
        }
      }
      for (const { version, objects } of lists) {
        const missed = store.history.since(version);
        expect(missed === undefined).toBe(version < forgotten);
        if (missed === undefined) continue;
        const known = new Map(objects);
        for (const { type, object } of missed) {
          if (type === 'DELETED') known.delete(object.metadata.name);
          else known.set(object.metadata.name, object);
        }
        expect(known).toEqual(snapshot());
        const versions = missed.map(({ object }) => Number(object.metadata.resourceVersion));
        expect(versions).toEqual(versions.toSorted((one, other) => one - other));
      }
    }),
  );
});
