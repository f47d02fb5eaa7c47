/** The worker's composition root: a container of its own, explicit tokens, factories for what plugins make. */
import 'reflect-metadata';
import {
  PLUGIN_TIMEOUT_MS,
  PluginError,
  TOKENS,
  makePart,
  systemClock,
  type BackendService,
  type CallSource,
  type Logger,
  type RuntimeInfo,
  type StatusPublisher,
  type Storage,
  type WorkerBootstrap,
  type WorkerDeps,
  type WorkerPlugins,
} from '@splitrock/core/plugin';
import { container } from 'tsyringe';
import { WorkerRuntime } from '../runtime/worker-runtime.ts';
import { loadPlugin } from './load-plugin.ts';

/** Loads the plugins a bootstrap names and wires a worker of them; nothing runs yet. */
export async function composeWorker(
  bootstrap: WorkerBootstrap,
  logger: Logger,
  runtime: RuntimeInfo,
): Promise<WorkerRuntime> {
  const { workerId, tenant, slots } = bootstrap;
  const scope = container.createChildContainer();
  scope.register(TOKENS.Logger, { useValue: logger });
  scope.register(TOKENS.Clock, { useValue: systemClock });
  const clock = scope.resolve(TOKENS.Clock);
  const limits = { clock, logger, timeoutMs: PLUGIN_TIMEOUT_MS };
  const [backend, storage, monitoring] = await Promise.all([
    loadPlugin('backend', bootstrap.backend, limits),
    loadPlugin('storage', bootstrap.storage, limits),
    loadPlugin('monitoring', bootstrap.monitoring, limits),
  ]);
  // Factories may be asynchronous, which the container is not: it gets what they made.
  const made: Storage = await makePart(
    'createStorage',
    storage.plugin,
    () => storage.plugin.createStorage(storage.options, { logger, clock }),
    limits,
  );
  scope.register(TOKENS.Storage, { useValue: made });
  const deps: WorkerDeps = { workerId, tenant, slots, runtime, storage: scope.resolve(TOKENS.Storage), logger, clock };
  const source: CallSource = await makePart(
    'createCallSource',
    backend.plugin,
    () => backend.plugin.createCallSource(backend.options, deps),
    limits,
  );
  scope.register(TOKENS.CallSource, { useValue: source });
  const publisher: StatusPublisher = await makePart(
    'createPublisher',
    monitoring.plugin,
    () => monitoring.plugin.createPublisher(monitoring.options, deps),
    limits,
  );
  scope.register(TOKENS.StatusPublisher, { useValue: publisher });
  return new WorkerRuntime({
    workerId,
    tenant,
    slots,
    plugins: pluginsOf(bootstrap),
    source: scope.resolve(TOKENS.CallSource),
    publisher: scope.resolve(TOKENS.StatusPublisher),
    storage: scope.resolve(TOKENS.Storage),
    logger: scope.resolve(TOKENS.Logger),
    clock: scope.resolve(TOKENS.Clock),
  });
}

/**
 * Makes the program that the bootstrap's backend runs beside its workers.
 * @throws PluginError `PLUGIN_INVALID` when it has none; what {@link composeWorker} throws.
 */
export async function composeService(
  { workerId, tenant, ...bootstrap }: WorkerBootstrap,
  logger: Logger,
  runtime: RuntimeInfo,
): Promise<BackendService> {
  const clock = systemClock;
  const limits = { clock, logger, timeoutMs: PLUGIN_TIMEOUT_MS };
  const [backend, storage] = await Promise.all([
    loadPlugin('backend', bootstrap.backend, limits),
    loadPlugin('storage', bootstrap.storage, limits),
  ]);
  const { plugin, options } = backend;
  const create = plugin.createService?.bind(plugin);
  if (create === undefined) {
    const { name, module } = bootstrap.backend;
    const why = `it has no \`createService\` [kind=backend, name=${name}, module=${module}]`;
    throw new PluginError('PLUGIN_INVALID', `A plugin cannot be served: ${why}; it runs workers only.`);
  }
  const made = await makePart(
    'createStorage',
    storage.plugin,
    () => storage.plugin.createStorage(storage.options, { logger, clock }),
    limits,
  );
  const deps: WorkerDeps = { workerId, tenant, runtime, storage: made, logger, clock };
  return makePart('createService', plugin, () => create(options, deps), limits);
}

const pluginsOf = ({ backend, storage, monitoring, dataStorages }: WorkerBootstrap): WorkerPlugins => ({
  backend,
  storage,
  monitoring,
  ...(dataStorages === undefined ? {} : { dataStorages }),
});
