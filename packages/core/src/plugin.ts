/**
 * `@splitrock/core/plugin`: all that a plugin or a worker needs, and nothing of the executor.
 */
export { AMBIENT_SYMBOL, readAmbientWorker, setAmbientWorker, type AmbientWorker } from './contracts/ambient-worker.ts';
export {
  formatJobId,
  parseJobId,
  type CallRange,
  type JobRef,
  type LossKind,
  type LossReason,
} from './contracts/calls.ts';
export { CallRangeSet } from './contracts/call-range-set.ts';
export type {
  Backend,
  BackendDiagnosis,
  BackendListener,
  CallSubmission,
  CallsLostEvent,
  CleanResult,
  RuntimeInfo,
  StopOptions,
  WorkerChange,
} from './contracts/backend.ts';
export type { CallContext, CallLogger } from './contracts/call-context.ts';
export type { CallLease, CallReceiver, CallSource } from './contracts/call-source.ts';
export { pause, systemClock, type Clock, type ClockTimer } from './contracts/clock.ts';
export { silentLogger, type LogFields, type Logger } from './contracts/logger.ts';
export type {
  StatusPublisher,
  StatusSubscriber,
  StatusSubscription,
  SubscribeOptions,
} from './contracts/monitoring.ts';
export {
  PLUGIN_API_VERSION,
  defineBackend,
  defineMonitoring,
  defineStorage,
  type AnyPlugin,
  type BackendDeps,
  type BackendPlugin,
  type BackendService,
  type MonitoringPlugin,
  type PluginByKind,
  type PluginKind,
  type PluginRef,
  type SlotOptions,
  type StorageDeps,
  type StoragePlugin,
  type SubscriberDeps,
  type WorkerBootstrap,
  type WorkerDeps,
  type WorkerPlugins,
} from './contracts/plugin.ts';
export { runtimeMismatch, type ClientVersions } from './contracts/runtime-mismatch.ts';
export {
  isExpiringStorage,
  isPresigningStorage,
  isWatchableStorage,
  type ByteRange,
  type ExpiringStorage,
  type GetOptions,
  type ListOptions,
  type ObjectInfo,
  type OperationOptions,
  type PresigningStorage,
  type PutOptions,
  type PutResult,
  type Storage,
  type StorageBody,
  type StorageLimits,
  type StorageWatch,
  type WatchableStorage,
} from './contracts/storage.ts';
export { TOKENS } from './contracts/tokens.ts';
export { ERROR_CODES, type ErrorCode } from './errors/error-codes.ts';
export { deserializeError, serializeError, type SerializedError } from './errors/serialize-error.ts';
export {
  BackendError,
  CallError,
  CallFailedError,
  CallLostError,
  CallTimeoutError,
  CancelledError,
  ConfigError,
  DataSetError,
  IllegalStateError,
  InvalidArgumentError,
  JobError,
  JobFailedError,
  MonitoringError,
  PluginError,
  SerializationError,
  SplitrockError,
  StorageError,
  WaitTimeoutError,
  isSplitrockError,
  type CallCoordinates,
  type SplitrockErrorOptions,
} from './errors/splitrock-error.ts';
export { decodeValue, encodeValue, type CodecWarning, type DecodeOptions, type EncodeOptions } from './codec/codec.ts';
export { RemoteError } from './codec/remote-error.ts';
export { abortable, bodyChunks } from './storage-support/abortable.ts';
export { LazyStorage } from './storage-support/lazy-storage.ts';
export { checkByteRange, resolveByteRange } from './storage-support/byte-range.ts';
export { deleteInBatches, type DeleteFailure, type DeleteManyPlan } from './storage-support/delete-many.ts';
export { StorageLifecycle } from './storage-support/storage-lifecycle.ts';
export { objectChanged } from './storage-support/object-changed.ts';
export { checkStorageKey, compareStorageKeys } from './storage-support/storage-key.ts';
export { dataSetPartitions } from './datasets/data-set-partitions.ts';
export { objects, type DataSet, type ItemsOf, type ObjectsOptions } from './datasets/data-set.ts';
export type { DataSetPlanning } from './datasets/plan-data-set.ts';
export type { DataSource } from './datasets/sources.ts';
export { DataStorages, type DataStorage, type DataStoragesOptions } from './datasets/data-storages.ts';
export { decodePartitionSpec, type PartitionSpec } from './datasets/partition-spec.ts';
export { Partition, type PartitionReaders } from './datasets/partition.ts';
export { loadFunction, type LoadFunctionOptions, type LoadedFunction } from './functions/load-function.ts';
export { packSelfContainedFunction, type PackedFunction } from './functions/self-contained.ts';
export { decodeEnvelope, encodeEnvelope, type Envelope, type EnvelopeKind } from './wire/envelope.ts';
export { decodeGather, encodeGather, type Gather, type ResultLocation } from './wire/gather.ts';
export {
  INPUT_GATHER,
  INPUT_PARTITION,
  INPUT_PART_HEADER_BYTES,
  INPUT_PENDING,
  INPUT_VALUE,
  cutInputPart,
  decodeInputPart,
  encodeInputPart,
  offsetTableRange,
  readOffsets,
  type InputPart,
} from './wire/input-part.ts';
export { decodeJobDescriptor, encodeJobDescriptor, type JobDescriptor } from './wire/job-descriptor.ts';
export {
  decodeStatusSegment,
  encodeStatusSegment,
  type CallFinished,
  type CallLog,
  type CallOutcome,
  type CallStarted,
  type CallUsage,
  type StatusEvent,
} from './wire/status-event.ts';
export * from './wire/storage-keys.ts';
export { EventQueue, type EventBatch, type EventBatchLimits } from './monitoring-support/event-queue.ts';
export type { LogPublishingOptions } from './monitoring-support/job-status-writer.ts';
export { LogStatusPublisher } from './monitoring-support/log-status-publisher.ts';
export { LogStatusSubscriber } from './monitoring-support/log-status-subscriber.ts';
export { StatusListener, type StatusListenerSetup } from './monitoring-support/status-listener.ts';
export type {
  FollowOptions,
  StatusLogFollower,
  StatusLogReader,
  StatusLogSink,
  StatusLogWriter,
  StatusMessage,
} from './monitoring-support/status-log.ts';
export { callPlugin, PLUGIN_TIMEOUT_MS, type PluginCallLimits, type PluginMember } from './plugins/call-plugin.ts';
export { importPlugin } from './plugins/import-plugin.ts';
export { makePart, type PluginParts } from './plugins/make-part.ts';
export { isCloudObject, type CloudObject } from './user-storage/cloud-object.ts';
export type { TransferCallbacks, TransferProgress } from './user-storage/file-transfer.ts';
export {
  UserStorage,
  type CloudObjectOptions,
  type ObjectTarget,
  type UserStorageOptions,
} from './user-storage/user-storage.ts';
