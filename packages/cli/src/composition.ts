/**
 * The command's composition root: configuration, plugins and services, each made when a command first asks for it, wired in
 * a container of the command's own.
 */
import 'reflect-metadata';
import {
  createClientLogger,
  readConfig,
  resolvePlugin,
  resolvePlugins,
  type ResolvedConfig,
  type ResolvedPlugins,
} from '@splitrock/core';
import {
  callPlugin,
  makePart,
  systemClock,
  type Backend,
  type PluginCallLimits,
  type PluginMember,
  type StatusSubscriber,
  type Storage,
} from '@splitrock/core/plugin';
import { container as root, instanceCachingFactory, type DependencyContainer, type InjectionToken } from 'tsyringe';
import { environmentOf, overridesOf, type CliContext, type CommonOptions } from './cli-context.ts';

const token = <T>(name: string): InjectionToken<Promise<T>> => Symbol.for(`splitrock.cli.${name}`);

const CONFIG = token<ResolvedConfig>('Config');
const PLUGINS = token<ResolvedPlugins>('Plugins');
const STORAGE = token<Storage>('Storage');
const BACKEND = token<Backend>('Backend');
const SUBSCRIBER = token<StatusSubscriber>('StatusSubscriber');

/** No executor of this name exists: what commands ask of a backend is about others’ jobs. */
const CLI_EXECUTOR_ID = 'splitrockcli';

/** What commands work with. Nothing is opened before it is asked for; {@link close} closes what was. */
export class CliServices {
  readonly #container: DependencyContainer;
  readonly #opened: (() => Promise<unknown>)[] = [];

  constructor(context: CliContext, options: CommonOptions) {
    this.#container = root.createChildContainer();
    const { resolveFrom, cwd } = context;
    // Services open asynchronously and containers do not wait: what is registered are promises, each made once.
    this.#register(CONFIG, () =>
      readConfig({
        cwd,
        env: environmentOf(context, options),
        overrides: overridesOf(options),
        overridesName: 'command line',
      }),
    );
    this.#register(PLUGINS, async () => resolvePlugins(await this.config(), { resolveFrom }));
    this.#register(STORAGE, () => this.#openStorage(resolveFrom));
    this.#register(BACKEND, () => this.#openBackend());
    this.#register(SUBSCRIBER, () => this.#openSubscriber());
  }

  /** With whatever problems it has. */
  config(): Promise<ResolvedConfig> {
    return this.#container.resolve(CONFIG);
  }

  plugins(): Promise<ResolvedPlugins> {
    return this.#container.resolve(PLUGINS);
  }

  /** Opens the storage alone: a backend that is not installed here does not matter for it. */
  storage(): Promise<Storage> {
    return this.#container.resolve(STORAGE);
  }

  /** A backend that was not started: good for cleaning. */
  backend(): Promise<Backend> {
    return this.#container.resolve(BACKEND);
  }

  /** Connects when it is used. */
  subscriber(): Promise<StatusSubscriber> {
    return this.#container.resolve(SUBSCRIBER);
  }

  /** Closes in the reverse order; of several failures the first is told. */
  async close(): Promise<void> {
    const results = [];
    for (const close of this.#opened.toReversed()) results.push(...(await Promise.allSettled([close()])));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #register<T>(key: InjectionToken<Promise<T>>, make: () => Promise<T>): void {
    this.#container.register(key, { useFactory: instanceCachingFactory(make) });
  }

  async #openStorage(resolveFrom: CliContext['resolveFrom']): Promise<Storage> {
    const config = await this.config();
    config.assertValid();
    const { plugin, options } = await resolvePlugin('storage', config, { resolveFrom });
    const { starting, stopping } = limitsOf(config);
    const make = () => plugin.createStorage(options, starting);
    const storage = await makePart('createStorage', plugin, make, starting);
    this.#closeLater(plugin, 'close', () => storage.close(), stopping);
    return storage;
  }

  async #openBackend(): Promise<Backend> {
    const [config, storage, { backend, storage: storagePlugin, monitoring }] = await Promise.all([
      this.config(),
      this.storage(),
      this.plugins(),
    ]);
    const { starting, stopping } = limitsOf(config);
    const deps = {
      tenant: config.value.tenant,
      executorId: CLI_EXECUTOR_ID,
      storage,
      logger: starting.logger,
      clock: starting.clock,
      workerPlugins: { backend: backend.ref, storage: storagePlugin.ref, monitoring: monitoring.ref },
    };
    const { plugin } = backend;
    const instance = await makePart(
      'createBackend',
      plugin,
      () => plugin.createBackend(backend.options, deps),
      starting,
    );
    this.#closeLater(plugin, 'stop', () => instance.stop(), stopping);
    return instance;
  }

  async #openSubscriber(): Promise<StatusSubscriber> {
    const [config, storage, { monitoring }] = await Promise.all([this.config(), this.storage(), this.plugins()]);
    const { starting, stopping } = limitsOf(config);
    const { logger, clock } = starting;
    const deps = { tenant: config.value.tenant, executorId: CLI_EXECUTOR_ID, storage, logger, clock };
    const { plugin } = monitoring;
    const make = () => plugin.createSubscriber(monitoring.options, deps);
    const subscriber = await makePart('createSubscriber', plugin, make, starting);
    this.#closeLater(plugin, 'close', () => subscriber.close(), stopping);
    return subscriber;
  }

  #closeLater(
    { kind, name }: Pick<PluginMember, 'kind' | 'name'>,
    member: string,
    close: () => Promise<void>,
    limits: PluginCallLimits,
  ): void {
    this.#opened.push(() => callPlugin({ kind, name, member }, close, limits));
  }
}

/** How long plugins may take. */
export function limitsOf({ value }: ResolvedConfig): {
  readonly starting: PluginCallLimits;
  readonly stopping: PluginCallLimits;
} {
  const common = { logger: createClientLogger(value.logLevel), clock: systemClock };
  return {
    starting: { ...common, timeoutMs: value.pluginStartTimeoutMs },
    stopping: { ...common, timeoutMs: value.pluginStopTimeoutMs },
  };
}

/** Runs a command's work with services and closes them, also when it fails. */
export async function withServices<T>(
  context: CliContext,
  options: CommonOptions,
  work: (services: CliServices) => Promise<T>,
): Promise<T> {
  const services = new CliServices(context, options);
  try {
    return await work(services);
  } finally {
    await services.close();
  }
}
