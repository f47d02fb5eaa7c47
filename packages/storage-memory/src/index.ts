export { MemoryBucket } from './memory-bucket.ts';
export { MemoryStorage } from './memory-storage.ts';
export { memoryStorageOptionsSchema, type MemoryStorageOptions } from './memory-storage-options.ts';
export { plugin } from './plugin.ts';
