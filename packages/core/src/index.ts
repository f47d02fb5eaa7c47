/**
 * `@splitrock/core`: run functions over many inputs, in parallel.
 *
 * What backends, storages and monitoring transports implement is in `@splitrock/core/plugin`.
 */
export { FunctionExecutor, type AttachOptions } from './executor/function-executor.ts';
export { cleanBackend, cleanMonitoring, cleanStorage } from './executor/clean.ts';
export { createClientLogger } from './executor/client-logger.ts';
export type { ExecutorOptions } from './executor/executor-options.ts';
export type { CallFunction, Input, Inputs } from './executor/inputs.ts';
export { objects, type DataSet, type ItemsOf, type ObjectsOptions } from './datasets/data-set.ts';
export type { Partition } from './datasets/partition.ts';
export type { DataSource } from './datasets/sources.ts';
export type {
  GroupedMapReduceOptions,
  MapReduceOptions,
  ObjectMapReduceOptions,
  ReduceFunction,
} from './executor/map-reduce.ts';
export { executorObserver, setExecutorObserver, type ExecutorObserver } from './executor/observer.ts';
export type { PlotOptions, PlotPaths } from './executor/plot.ts';
export { fn, moduleFunction } from './functions/explicit-form.ts';
export { Reduced } from './executor/reduced.ts';
export type { WaitOptions, WaitResult, Waitable } from './executor/wait.ts';
export { CallFuture, type CallOutcome } from './job/call-future.ts';
export type { CallRecord, RecordedOutcome } from './job/call-records.ts';
export type { CallUsage } from './wire/status-event.ts';
export type { CleanResult } from './contracts/backend.ts';
export type { JobEventMap, JobEventName, JobListener } from './job/job-events.ts';
export type { JobCounts } from './job/job-machine.ts';
export type { JobOptions, RetryOptions, RetryQuestion } from './job/job-options.ts';
export { Job, type AsCompletedOptions } from './job/job.ts';
export { configSchema, defineConfig, type Config, type ConfigInput } from './config/config-schema.ts';
export { describeKeys, type KeyDescription } from './config/describe-keys.ts';
export { formatOrigin, type ConfigOrigin } from './config/config-origin.ts';
export { formatPath, type ConfigPath } from './config/config-path.ts';
export { formatProblem, type ConfigProblem } from './config/config-problem.ts';
export type { ConfigEntry } from './config/config-entries.ts';
export { configFilePlaces, type ConfigFilePlace } from './config/config-files.ts';
export { ResolvedConfig, loadConfig, readConfig, type ReadConfigOptions } from './config/read-config.ts';
export {
  resolveDataStorages,
  resolvePlugin,
  resolvePlugins,
  type ResolvePluginsOptions,
  type ResolvedPlugin,
  type ResolvedPlugins,
} from './plugins/resolve-plugins.ts';
export { processConditions } from './plugins/process-conditions.ts';
export { resolvePackage } from './plugins/resolve-module.ts';
export type { CallContext, CallLogger } from './contracts/call-context.ts';
export type { LogFields, Logger } from './contracts/logger.ts';
export type { ByteRange, ObjectInfo, StorageBody } from './contracts/storage.ts';
export { isCloudObject, type CloudObject } from './user-storage/cloud-object.ts';
export type { TransferCallbacks, TransferProgress } from './user-storage/file-transfer.ts';
export {
  UserStorage,
  type CloudObjectOptions,
  type ObjectTarget,
  type UserStorageOptions,
} from './user-storage/user-storage.ts';
export { ERROR_CODES, type ErrorCode } from './errors/error-codes.ts';
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
} from './errors/splitrock-error.ts';
