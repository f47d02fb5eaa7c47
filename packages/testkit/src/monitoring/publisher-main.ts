/**
 * The program of a process that publishes status on command; {@link PublisherProcess} starts and talks to it.
 * It loads the plugins under test by their references, as a worker does.
 */
import {
  silentLogger,
  systemClock,
  type JobRef,
  type MonitoringPlugin,
  type PluginRef,
  type StatusEvent,
  type StatusPublisher,
  type Storage,
  type StoragePlugin,
} from '@splitrock/core/plugin';
import { finishedCall } from './status-samples.ts';

export interface PublisherSetup {
  readonly monitoring: PluginRef;
  readonly storage: PluginRef;
  readonly workerId: string;
}

export type PublisherCommand =
  | { readonly do: 'publish'; readonly id: number; readonly job: JobRef; readonly events: readonly StatusEvent[] }
  /** Publishes call after call, several at a time, until the calls are used up or the process is killed. */
  | { readonly do: 'flood'; readonly id: number; readonly job: JobRef; readonly calls: number; readonly atOnce: number }
  | { readonly do: 'close'; readonly id: number };

export type PublisherReport =
  | { readonly told: 'ready' }
  /** These calls' publications resolved, in a flood. */
  | { readonly told: 'durable'; readonly callId: number }
  | { readonly told: 'done'; readonly id: number }
  | { readonly told: 'failed'; readonly id: number; readonly message: string };

const tell = (report: PublisherReport): void => void process.send?.(report);

async function load<Plugin>(ref: PluginRef): Promise<Plugin> {
  const module = (await import(ref.module)) as { plugin: Plugin };
  return module.plugin;
}

async function start({ monitoring, storage, workerId }: PublisherSetup): Promise<[StatusPublisher, Storage]> {
  const common = { logger: silentLogger, clock: systemClock };
  const storagePlugin = await load<StoragePlugin>(storage);
  const stored = await storagePlugin.createStorage(storagePlugin.optionsSchema.parse(storage.options), common);
  const plugin = await load<MonitoringPlugin>(monitoring);
  const options = plugin.optionsSchema.parse(monitoring.options);
  const publisher = await plugin.createPublisher(options, {
    ...common,
    workerId,
    tenant: 'conformance',
    storage: stored,
  });
  return [publisher, stored];
}

async function flood(
  publisher: StatusPublisher,
  workerId: string,
  command: PublisherCommand & { do: 'flood' },
): Promise<void> {
  let next = 0;
  const publishOn = async (): Promise<void> => {
    while (next < command.calls) {
      const callId = next;
      next += 1;
      await publisher.publish(command.job, [finishedCall(workerId, callId)]);
      tell({ told: 'durable', callId });
    }
  };
  await Promise.all(Array.from({ length: command.atOnce }, publishOn));
}

async function main(setup: PublisherSetup): Promise<void> {
  const [publisher, storage] = await start(setup);
  const perform = async (command: PublisherCommand): Promise<void> => {
    if (command.do === 'publish') return publisher.publish(command.job, command.events);
    if (command.do === 'flood') return flood(publisher, setup.workerId, command);
    await publisher.close();
    await storage.close();
  };
  process.on('message', (command: PublisherCommand) => {
    perform(command).then(
      () => tell({ told: 'done', id: command.id }),
      (error: unknown) => tell({ told: 'failed', id: command.id, message: String(error) }),
    );
  });
  tell({ told: 'ready' });
}

process.once('message', (setup: PublisherSetup) => {
  // A failed start ends the process with the reason on stderr.
  void main(setup);
});
process.once('disconnect', () => process.exit());
