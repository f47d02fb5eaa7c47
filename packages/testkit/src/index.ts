export {
  describeMonitoringConformance,
  type MonitoringConformanceOptions,
} from './monitoring/monitoring-conformance.ts';
export { MonitoringFixture, type Listening, type MonitoringUnderTest } from './monitoring/monitoring-fixture.ts';
export { finishedCall, lifeOfCall } from './monitoring/status-samples.ts';
export { StatusRecorder } from './monitoring/status-recorder.ts';
export { TrackingClock } from './tracking-clock.ts';
export { describeStorageConformance } from './storage/conformance.ts';
export type { StorageConformanceOptions, StorageSubject } from './storage/subject.ts';
export {
  InterceptedStorage,
  type InterceptedStorageOptions,
  type StorageHook,
  type StorageOperation,
} from './intercepted-storage.ts';
export { ManualClock } from './manual-clock.ts';
export { describeBackendConformance, type BackendConformanceOptions } from './backend/backend-conformance.ts';
export type { BackendCapabilities, BackendHarness, Outage, PluginUnderTest } from './backend/backend-harness.ts';
export { ConformanceJob, type ConformanceJobOptions, type SubmitOptions } from './backend/conformance-job.ts';
export { ExecutorFixture } from './backend/executor-fixture.ts';
export { StaleStorage } from './faults/stale-storage.ts';
export { TcpGate } from './faults/tcp-gate.ts';
export {
  assertFaultsHit,
  delay,
  failOnce,
  failTimes,
  withFaults,
  type FailOptions,
  type FaultPlace,
  type StorageFault,
} from './faults/storage-faults.ts';
