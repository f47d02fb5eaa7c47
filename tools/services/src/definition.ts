/** What a service is to this tool, and the table of them. */

export const SERVICE_NAMES = ['redis', 's3', 'rabbitmq', 'sshd'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** Where a service runs: its own folder, and the addresses it listens on. */
export interface ServicePlace {
  /** Short, since Unix sockets are made in it; holds data and logs. */
  readonly folder: string;
  /** An address besides 127.0.0.1, for clients elsewhere (pods). */
  readonly bind: string | undefined;
}

/** A started service. */
export interface RunningService {
  /** `SPLITROCK_TEST_…` variables that tell where it is. */
  readonly environment: Readonly<Record<string, string>>;
  /** Resolves when a process of it ended unasked, with a sentence that says which. */
  readonly failed: Promise<string>;
  /** Stops it; its data stay in its folder, and starting it there again brings them back. */
  stop(): Promise<void>;
}

export interface ServiceDefinition {
  readonly name: ServiceName;
  /** The variables that name a server which somebody else runs; all must be set. */
  readonly variables: readonly string[];
  /** Programs it needs. */
  readonly programs: readonly string[];
  /** Debian's packages that have them. */
  readonly packages: readonly string[];
  start(place: ServicePlace): Promise<RunningService>;
}

export const isServiceName = (name: string): name is ServiceName => SERVICE_NAMES.some((known) => known === name);
