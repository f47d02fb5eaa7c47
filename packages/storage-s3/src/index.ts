export { ExpiringS3Storage, S3Storage } from './s3-storage.ts';
export { s3StorageOptionsSchema, type S3StorageOptions } from './s3-storage-options.ts';
export { plugin } from './plugin.ts';
