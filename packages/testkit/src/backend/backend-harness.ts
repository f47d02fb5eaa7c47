/** What an author gives the backend suite: the plugins that work together, and hands to break things with. */
import type { BackendPlugin, MonitoringPlugin, StoragePlugin } from '@splitrock/core/plugin';

/** A plugin as the configuration would name it. */
export interface PluginUnderTest<Plugin> {
  readonly plugin: Plugin;
  /** What workers import it by: a package name, or a file URL where they share this machine's disk. */
  readonly module: string;
  /** As a user would write them; the suite has the plugin's schema check them. */
  readonly options: unknown;
}

/** Everything the suite needs, made once for all its tests. */
export interface BackendHarness {
  readonly backend: PluginUnderTest<BackendPlugin>;
  /** Reachable by the workers and by this process. */
  readonly storage: PluginUnderTest<StoragePlugin>;
  readonly monitoring: PluginUnderTest<MonitoringPlugin>;
  /**
   * Ends a worker at once and whole (`kill -9`, a deleted pod); for the capability `killWorker`. The id is the one that
   * the backend told in `workerChanged` and that status events carry.
   */
  killWorker?(workerId: string): Promise<void>;
  /**
   * Names what is still there of an executor whose backend was stopped: processes, pods, queues, files. The suite asks
   * until the answer is empty; for the capability `leftovers`.
   */
  leftovers?(executorId: string): Promise<readonly string[]>;
  /**
   * Takes away the service that the backend and its workers need (a broker, an API server), as a stopped server or a broken
   * network does; for the capability `outage`. Storage and monitoring stay. A `TcpGate` is one way.
   */
  outage?(): Promise<Outage>;
  close(): Promise<void>;
}

/** A service that is away. */
export interface Outage {
  /** Gives it back, with what it had. */
  end(): Promise<void>;
}

/** What a backend, or its harness, can do; cases that need more are skipped, visibly. */
export interface BackendCapabilities {
  /** The harness can kill a worker. */
  readonly killWorker: boolean;
  /** Calls run in processes of their own: one that kills itself leaves its worker alive. */
  readonly slotProcesses: boolean;
  /** The harness can tell what an executor has left behind. */
  readonly leftovers: boolean;
  /** The backend needs a service, without which its workers stay alive; the harness can take it away. @defaultValue false */
  readonly outage?: boolean;
  /** Every job starts workers of its own: a case that wants very many jobs at once makes do with a few. @defaultValue false */
  readonly workersPerJob?: boolean;
}
