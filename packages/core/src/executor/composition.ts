/**
 * The executor's composition root: configuration, plugins and services, wired in a container of this executor's own.
 */
import 'reflect-metadata';
import { container as root, type DependencyContainer } from 'tsyringe';
import { readConfig } from '../config/read-config.ts';
import { escapeReferences } from '../config/references.ts';
import type { ConfigInput } from '../config/config-schema.ts';
import { readAmbientWorker } from '../contracts/ambient-worker.ts';
import type { BackendListener } from '../contracts/backend.ts';
import { systemClock } from '../contracts/clock.ts';
import type { BackendDeps, PluginKind, PluginRef } from '../contracts/plugin.ts';
import { TOKENS } from '../contracts/tokens.ts';
import { DataStorages } from '../datasets/data-storages.ts';
import type { JobDefaults } from '../job/job-options.ts';
import type { JobServices } from '../job/job-setup.ts';
import { callPlugin, type PluginCallLimits } from '../plugins/call-plugin.ts';
import { makePart } from '../plugins/make-part.ts';
import { resolveDataStorages, resolvePlugins, type ResolvedPlugins } from '../plugins/resolve-plugins.ts';
import { createClientLogger } from './client-logger.ts';
import type { ExecutorOptions } from './executor-options.ts';

export interface Composition {
  readonly services: JobServices;
  readonly defaults: JobDefaults;
  /** Where data sets are read from. */
  readonly dataStorages: DataStorages;
  /** Starts the backend's client half, once: before the first job. */
  startBackend(): Promise<void>;
  /** Ends of the plugins' parts, to be called in this order. Each rejects when its part fails, or does not end in time. */
  readonly stops: {
    backend(): Promise<void>;
    subscriber(): Promise<void>;
    storage(): Promise<void>;
  };
}

/** Reads the configuration and loads the plugins. The backend is not started: whoever only uses storage needs none. */
export async function compose(
  options: ExecutorOptions,
  executorId: string,
  listener: BackendListener,
  keepAlive: JobServices['keepAlive'],
): Promise<Composition> {
  const config = await readConfig({
    overrides: overridesOf(options),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const lookup = { resolveFrom: options.resolveFrom ?? [] };
  const plugins = await resolvePlugins(config, lookup);
  const furtherStorages = await resolveDataStorages(config, lookup);
  const { tenant, logLevel, pluginStartTimeoutMs, pluginStopTimeoutMs, job: defaults } = config.value;
  const scope = root.createChildContainer();
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? createClientLogger(logLevel);
  scope.register(TOKENS.Clock, { useValue: clock });
  scope.register(TOKENS.Logger, { useValue: logger });
  const starting: PluginCallLimits = { clock, logger, timeoutMs: pluginStartTimeoutMs };
  const stopping: PluginCallLimits = { clock, logger, timeoutMs: pluginStopTimeoutMs };
  await registerPlugins(scope, { ...plugins, furtherStorages }, { tenant, executorId }, { starting, stopping });
  const services: JobServices = {
    tenant,
    clock,
    logger,
    keepAlive,
    storage: scope.resolve(TOKENS.Storage),
    backend: scope.resolve(TOKENS.Backend),
    subscriber: scope.resolve(TOKENS.StatusSubscriber),
  };
  let started: Promise<void> | undefined;
  const start = (): Promise<void> =>
    callPlugin(
      { ...naming(plugins.backend), member: 'start' },
      (signal) => backend.start(listener, { signal }),
      starting,
    );
  const stop = (plugin: ResolvedPlugins[PluginKind], member: string, end: () => Promise<void>) => (): Promise<void> =>
    callPlugin({ ...naming(plugin), member }, end, stopping);
  const { backend, subscriber, storage } = services;
  return {
    services,
    defaults,
    dataStorages: dataStoragesOf(scope, [plugins.storage, ...furtherStorages], pluginStartTimeoutMs),
    startBackend: () => (started ??= start()),
    stops: {
      backend: stop(plugins.backend, 'stop', () => backend.stop()),
      subscriber: stop(plugins.monitoring, 'close', () => subscriber.close()),
      storage: stop(plugins.storage, 'close', () => storage.close()),
    },
  };
}

const naming = ({ plugin: { kind, name } }: ResolvedPlugins[PluginKind]) => ({ kind, name });

function dataStoragesOf(
  scope: DependencyContainer,
  plugins: readonly ResolvedPlugins['storage'][],
  timeoutMs: number,
): DataStorages {
  const byName = new Map(plugins.map((resolved) => [resolved.plugin.name, resolved]));
  return new DataStorages({
    own: scope.resolve(TOKENS.Storage),
    names: [...byName.keys()],
    load: async (name) => byName.get(name) as ResolvedPlugins['storage'],
    deps: { clock: scope.resolve(TOKENS.Clock), logger: scope.resolve(TOKENS.Logger) },
    timeoutMs,
  });
}

/** What code says, over what the surrounding call's executor uses when this one is made inside a call. */
function overridesOf(options: ExecutorOptions): ConfigInput {
  const {
    cleanOnDispose: _clean,
    maxCapturedBytes: _max,
    logger: _logger,
    cwd: _cwd,
    resolveFrom: _from,
    clock: _clock,
    ...given
  } = options;
  const ambient = readAmbientWorker();
  if (ambient === undefined) return given;
  const { backend, storage, monitoring, dataStorages = [] } = ambient.plugins;
  // References were resolved in the client; a secret that looks like one is none.
  const inherit = (ref: PluginRef) => ({ [ref.name]: escapeReferences(ref.options) });
  return {
    tenant: ambient.tenant,
    backend: backend.module,
    storage: storage.module,
    monitoring: monitoring.module,
    dataStorages: dataStorages.map(({ module }) => module),
    ...given,
    storages: Object.assign({}, ...[storage, ...dataStorages].map(inherit), given.storages) as ConfigInput['storages'],
    monitorings: { ...inherit(monitoring), ...given.monitorings },
  };
}

async function registerPlugins(
  scope: DependencyContainer,
  plugins: ResolvedPlugins & { readonly furtherStorages: readonly ResolvedPlugins['storage'][] },
  identity: Pick<BackendDeps, 'tenant' | 'executorId'>,
  { starting, stopping }: { readonly starting: PluginCallLimits; readonly stopping: PluginCallLimits },
): Promise<void> {
  const common = { ...identity, clock: scope.resolve(TOKENS.Clock), logger: scope.resolve(TOKENS.Logger) };
  const { backend, storage, monitoring, furtherStorages } = plugins;
  const made: { readonly close: () => Promise<void>; readonly of: ResolvedPlugins[PluginKind] }[] = [];
  try {
    // Factories may be asynchronous, a container's are not: what they give is registered as it is.
    const store = await makePart(
      'createStorage',
      storage.plugin,
      () => storage.plugin.createStorage(storage.options, common),
      starting,
    );
    made.unshift({ close: () => store.close(), of: storage });
    scope.register(TOKENS.Storage, { useValue: store });
    const deps = { ...common, storage: store };
    const subscriber = await makePart(
      'createSubscriber',
      monitoring.plugin,
      () => monitoring.plugin.createSubscriber(monitoring.options, deps),
      starting,
    );
    made.unshift({ close: () => subscriber.close(), of: monitoring });
    scope.register(TOKENS.StatusSubscriber, { useValue: subscriber });
    const workerPlugins = {
      backend: backend.ref,
      storage: storage.ref,
      monitoring: monitoring.ref,
      ...(furtherStorages.length === 0 ? {} : { dataStorages: furtherStorages.map(({ ref }) => ref) }),
    };
    const runner = await makePart(
      'createBackend',
      backend.plugin,
      () => backend.plugin.createBackend(backend.options, { ...deps, workerPlugins }),
      starting,
    );
    scope.register(TOKENS.Backend, { useValue: runner });
  } catch (error) {
    // Why there is no executor is worth more than what could not be closed because of it.
    for (const { close, of } of made)
      await callPlugin({ ...naming(of), member: 'close' }, close, stopping).catch(() => {});
    throw error;
  }
}

/** Runs every step, whatever the others do. @throws the error of a single failing step, or an AggregateError. */
export async function disposeAll(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, 'Several parts of the executor did not stop cleanly.');
}
