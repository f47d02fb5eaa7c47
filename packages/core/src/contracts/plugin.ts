/**
 * Plugin descriptors: plain, versioned data plus factories. A plugin package's default or named export `plugin` is one
 * of these; see `docs/authoring`.
 */
import type { z } from 'zod';
import type { Backend, RuntimeInfo } from './backend.ts';
import type { CallSource } from './call-source.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { StatusPublisher, StatusSubscriber } from './monitoring.ts';
import type { Storage } from './storage.ts';

/** The version of the contracts in this package. A descriptor names the one it was written for. */
export const PLUGIN_API_VERSION = 1;

export type PluginKind = 'backend' | 'storage' | 'monitoring';

interface PluginDescriptor<Kind extends PluginKind, Options> {
  readonly kind: Kind;
  /** kebab-case; also the name of its section in the configuration. */
  readonly name: string;
  readonly apiVersion: number;
  /** Strict, with defaults; `describe()` texts become the reference page. */
  readonly optionsSchema: z.ZodType<Options>;
}

/** Names a plugin in a worker's bootstrap: a module to import, and the validated options. Travels as a secret. */
export interface PluginRef {
  /** What the worker imports: a file URL where it shares the client's disk, else a package name. */
  readonly module: string;
  readonly name: string;
  readonly options: unknown;
}

/**
 * What a worker needs to start; a backend brings it there. Holds credentials: it travels over a private
 * pipe or in a Kubernetes Secret, never in argv, environment or messages.
 */
export interface WorkerBootstrap {
  readonly version: 1;
  readonly workerId: string;
  readonly tenant: string;
  readonly backend: PluginRef;
  readonly storage: PluginRef;
  readonly monitoring: PluginRef;
  /** Further storages that data sets may be read from. */
  readonly dataStorages?: readonly PluginRef[];
  readonly slots: SlotOptions;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** The plugins in a {@link WorkerBootstrap}. Secret: never log or store them. */
export type WorkerPlugins = Pick<WorkerBootstrap, 'backend' | 'storage' | 'monitoring' | 'dataStorages'>;

/** How a worker runs calls. */
export interface SlotOptions {
  /** Slot processes (or threads), at least 1. */
  readonly workerProcesses: number;
  /** Asynchronous calls that one process runs at once, at least 1. */
  readonly callsPerProcess: number;
  /** `process` isolates crashes; `thread` starts faster but a native crash takes the whole worker. */
  readonly kind: 'process' | 'thread';
}

/** What a backend's client half may use. */
export interface BackendDeps {
  readonly tenant: string;
  readonly executorId: string;
  readonly storage: Storage;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The plugins that workers must use, this backend's own reference among them: part of each worker's bootstrap. */
  readonly workerPlugins: WorkerPlugins;
}

/** What the worker halves may use. */
export interface WorkerDeps {
  readonly workerId: string;
  readonly tenant: string;
  /** How this worker runs calls; absent where none are run. */
  readonly slots?: SlotOptions;
  /** What this worker offers to functions, for a source that tells its client. Absent in tests of a half alone. */
  readonly runtime?: RuntimeInfo;
  readonly storage: Storage;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface StorageDeps {
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface SubscriberDeps {
  readonly tenant: string;
  readonly executorId: string;
  readonly storage: Storage;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * A program of a backend's own that runs where workers do, such as one that assigns calls to them. The worker's executable
 * runs it instead of a worker when it is started with `--serve`: whatever runs workers can run it.
 */
export interface BackendService {
  /** Resolves once others can use it. A rejection means that it could not be started; nothing is left then. */
  start(): Promise<void>;
  /** Resolves once it has stopped, by itself or because it was asked to. */
  readonly finished: Promise<void>;
  /** Ends it in good order. Idempotent. */
  stop(): Promise<void>;
}

export interface BackendPlugin<Options = unknown> extends PluginDescriptor<'backend', Options> {
  createBackend(options: Options, deps: BackendDeps): Backend | Promise<Backend>;
  createCallSource(options: Options, deps: WorkerDeps): CallSource | Promise<CallSource>;
  /** Left out by backends that need no program of their own. */
  createService?(options: Options, deps: WorkerDeps): BackendService | Promise<BackendService>;
}

export interface StoragePlugin<Options = unknown> extends PluginDescriptor<'storage', Options> {
  createStorage(options: Options, deps: StorageDeps): Storage | Promise<Storage>;
  /**
   * Where addresses begin with a bucket (`s3://bucket/key`): the options that such an address sets, over those of the
   * configuration. Left out by storages without buckets: there, what follows `name://` is the key.
   */
  optionsOfBucket?(bucket: string): Partial<Options>;
}

export interface MonitoringPlugin<Options = unknown> extends PluginDescriptor<'monitoring', Options> {
  createPublisher(options: Options, deps: WorkerDeps): StatusPublisher | Promise<StatusPublisher>;
  createSubscriber(options: Options, deps: SubscriberDeps): StatusSubscriber | Promise<StatusSubscriber>;
}

export type AnyPlugin = BackendPlugin | StoragePlugin | MonitoringPlugin;

export interface PluginByKind {
  readonly backend: BackendPlugin;
  readonly storage: StoragePlugin;
  readonly monitoring: MonitoringPlugin;
}

/** Types a backend descriptor from its schema; returns it as it is. */
export const defineBackend = <Options>(plugin: BackendPlugin<Options>): BackendPlugin<Options> => plugin;
/** Types a storage descriptor from its schema; returns it as it is. */
export const defineStorage = <Options>(plugin: StoragePlugin<Options>): StoragePlugin<Options> => plugin;
/** Types a monitoring descriptor from its schema; returns it as it is. */
export const defineMonitoring = <Options>(plugin: MonitoringPlugin<Options>): MonitoringPlugin<Options> => plugin;
