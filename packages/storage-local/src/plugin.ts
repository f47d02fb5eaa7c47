import { PLUGIN_API_VERSION, defineStorage } from '@splitrock/core/plugin';
import { localStorageOptionsSchema } from './local-storage-options.ts';
import { LocalStorage } from './local-storage.ts';

/** `storage: local`: objects in a folder of this machine. */
export const plugin = defineStorage({
  kind: 'storage',
  name: 'local',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: localStorageOptionsSchema,
  createStorage: (options, deps) => new LocalStorage(options, deps),
});
