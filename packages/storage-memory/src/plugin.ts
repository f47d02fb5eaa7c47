import { PLUGIN_API_VERSION, defineStorage } from '@splitrock/core/plugin';
import { memoryStorageOptionsSchema } from './memory-storage-options.ts';
import { MemoryStorage } from './memory-storage.ts';

/** `storage: memory`: objects in this process's memory. */
export const plugin = defineStorage({
  kind: 'storage',
  name: 'memory',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: memoryStorageOptionsSchema,
  createStorage: (options, deps) => new MemoryStorage(options, deps),
});
