import { PLUGIN_API_VERSION, defineStorage } from '@splitrock/core/plugin';
import { s3StorageOptionsSchema } from './s3-storage-options.ts';
import { ExpiringS3Storage, S3Storage } from './s3-storage.ts';

/** `storage: s3`: objects in a bucket of Amazon S3 or a store that speaks its protocol. */
export const plugin = defineStorage({
  kind: 'storage',
  name: 's3',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: s3StorageOptionsSchema,
  optionsOfBucket: (bucket) => ({ bucket, prefix: '' }),
  createStorage: (options, deps) =>
    options.lifecycleRules ? new ExpiringS3Storage(options, deps) : new S3Storage(options, deps),
});
