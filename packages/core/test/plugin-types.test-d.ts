import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  defineBackend,
  defineMonitoring,
  defineStorage,
  PLUGIN_API_VERSION,
  type Backend,
  type BackendDeps,
  type CallReceiver,
  type CallSource,
  type MonitoringPlugin,
  type StatusEvent,
  type StatusPublisher,
  type StatusSubscriber,
  type Storage,
  type StorageDeps,
  type StoragePlugin,
  type WorkerDeps,
} from '@splitrock/core/plugin';

const optionsSchema = z.strictObject({ folder: z.string().default('/data'), slots: z.int().optional() });
interface Options {
  folder: string;
  slots?: number | undefined;
}

declare const storage: Storage;
declare const backend: Backend;
declare const source: CallSource;
declare const publisher: StatusPublisher;
declare const subscriber: StatusSubscriber;

describe('types of plugins', () => {
  it('give factories the options that their schema gives', () => {
    const made = defineStorage({
      kind: 'storage',
      name: 'tape',
      apiVersion: PLUGIN_API_VERSION,
      optionsSchema,
      createStorage(options, deps) {
        expectTypeOf(options).toEqualTypeOf<Options>();
        expectTypeOf(deps).toEqualTypeOf<StorageDeps>();
        return storage;
      },
    });
    expectTypeOf(made).toExtend<StoragePlugin<Options>>();
    defineBackend({
      kind: 'backend',
      name: 'cluster',
      apiVersion: PLUGIN_API_VERSION,
      optionsSchema,
      createBackend(options, deps) {
        expectTypeOf(options).toEqualTypeOf<Options>();
        expectTypeOf(deps).toEqualTypeOf<BackendDeps>();
        return Promise.resolve(backend);
      },
      createCallSource(_, deps) {
        expectTypeOf(deps).toEqualTypeOf<WorkerDeps>();
        return source;
      },
    });
    const monitoring = defineMonitoring({
      kind: 'monitoring',
      name: 'pigeon',
      apiVersion: PLUGIN_API_VERSION,
      optionsSchema,
      createPublisher: () => publisher,
      createSubscriber: () => subscriber,
    });
    expectTypeOf(monitoring).toExtend<MonitoringPlugin<Options>>();
  });

  it('refuse a half that is missing, and another kind’s', () => {
    const common = { name: 'x', apiVersion: PLUGIN_API_VERSION, optionsSchema };
    // @ts-expect-error a backend has a call source for its workers
    defineBackend({ ...common, kind: 'backend', createBackend: () => backend });
    // @ts-expect-error a storage is no monitoring
    defineMonitoring({ ...common, kind: 'storage', createStorage: () => storage });
  });

  it('let optional capabilities be left out, and nothing else', () => {
    expectTypeOf<Backend['outstanding']>().extract<undefined>().toEqualTypeOf<undefined>();
    expectTypeOf<CallSource['published']>().extract<undefined>().toEqualTypeOf<undefined>();
    expectTypeOf<Parameters<CallReceiver['deliver']>[0]>().toHaveProperty('done');
    expectTypeOf<Storage['put']>().returns.resolves.toEqualTypeOf<{ readonly created: boolean }>();
    expectTypeOf<StatusEvent['type']>().toEqualTypeOf<'started' | 'finished' | 'log'>();
  });
});
