export { LocalStorage } from './local-storage.ts';
export { localStorageOptionsSchema, type LocalStorageOptions } from './local-storage-options.ts';
export { plugin } from './plugin.ts';
