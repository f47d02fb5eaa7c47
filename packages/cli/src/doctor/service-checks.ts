/** Checks of the configured plugins, against the real things behind them. */
import { randomBytes } from 'node:crypto';
import { FunctionExecutor, resolveDataStorages, resolvePlugin } from '@splitrock/core';
import {
  callPlugin,
  makePart,
  statusPrefix,
  systemClock,
  type JobRef,
  type PluginKind,
  type StatusEvent,
  type Storage,
} from '@splitrock/core/plugin';
import { executorOptionsOf, type CliContext, type CommonOptions } from '../cli-context.ts';
import { limitsOf, type CliServices } from '../composition.ts';
import { hello } from '../hello-call.ts';
import { formatDuration } from '../output/quantities.ts';
import type { Check, Finding } from './check.ts';

/** How long status may take to arrive. */
const MONITORING_DEADLINE_MS = 30_000;

export interface ServiceChecksOptions extends CommonOptions {
  /** How long the backend may take to run one call. */
  readonly backendDeadlineMs: number;
}

export function serviceChecks(
  context: CliContext,
  options: ServiceChecksOptions,
  services: CliServices,
): readonly Check[] {
  const pluginCheck = (kind: PluginKind): Check => ({
    name: `${kind} plugin`,
    needs: ['configuration'],
    run: async () => {
      const config = await services.config();
      const { resolveFrom } = context;
      const { plugin, ref } = await resolvePlugin(kind, config, { resolveFrom });
      const further = kind === 'storage' ? await resolveDataStorages(config, { resolveFrom }) : [];
      const names = further.map((resolved) => resolved.plugin.name);
      const also = names.length === 0 ? '' : `; data sets also from ${names.join(', ')}`;
      return { message: `${plugin.name} from ${ref.module}${also}` };
    },
  });
  return [
    {
      name: 'configuration',
      run: async () => {
        const config = await services.config();
        config.assertValid();
        const files = config.files.filter(({ exists }) => exists).map(({ file }) => file);
        return { message: files.length === 0 ? 'no files; defaults and variables only' : files.join(', ') };
      },
    },
    pluginCheck('backend'),
    pluginCheck('storage'),
    pluginCheck('monitoring'),
    {
      name: 'storage',
      needs: ['storage plugin'],
      remedy: 'check address, bucket or folder, credentials and permissions of the storage (`splitrock config show`)',
      run: async () => checkStorage(await services.storage(), context.signal),
    },
    {
      name: 'monitoring',
      needs: ['storage', 'monitoring plugin'],
      remedy: 'check address and credentials of the monitoring (`splitrock config show`)',
      run: () => checkMonitoring(context, services),
    },
    {
      name: 'backend',
      needs: ['monitoring', 'backend plugin', 'inspector', 'esbuild'],
      remedy: 'see the warnings above, and the page of the backend in the docs',
      run: () => checkBackend(context, options),
    },
  ];
}

/** Writes, reads, reads a part of, lists and removes an object. */
export async function checkStorage(storage: Storage, signal: AbortSignal): Promise<Finding> {
  const prefix = `doctor/${randomBytes(6).toString('hex')}/`;
  const key = `${prefix}object`;
  const bytes = randomBytes(4_096);
  try {
    await storage.put(key, bytes, { signal });
    if (!bytes.equals(await storage.get(key, { signal })))
      throw new Error('an object came back with other bytes than were written');
    const part = await storage.get(key, { range: { offset: 1_000, length: 24 }, signal });
    if (!bytes.subarray(1_000, 1_024).equals(part))
      throw new Error('a part of an object came back with other bytes than were written');
    const keys: string[] = [];
    for await (const info of storage.list(prefix, { signal })) keys.push(info.key);
    if (keys.join() !== key) throw new Error(`the listing after a write is [${keys.join()}] and not [${key}]`);
  } finally {
    await storage.delete(key);
  }
  if ((await storage.head(key, { signal })) !== undefined)
    throw new Error('an object is still there after it was removed');
  return { message: `${storage.name}: wrote, read, listed and removed an object` };
}

/** Sends a status from a worker's half to a client's half. */
async function checkMonitoring({ signal, resolveFrom }: CliContext, services: CliServices): Promise<Finding> {
  const [config, storage] = await Promise.all([services.config(), services.storage()]);
  // By itself: a backend that cannot be had does not matter for it.
  const monitoring = await resolvePlugin('monitoring', config, { resolveFrom });
  const job: JobRef = { executorId: `doctor${randomBytes(3).toString('hex')}`, jobNumber: 1 };
  const { tenant } = config.value;
  const { starting, stopping } = limitsOf(config);
  const { plugin, options } = monitoring;
  const common = { tenant, storage, logger: starting.logger, clock: starting.clock };
  const subscriber = await makePart(
    'createSubscriber',
    plugin,
    () => plugin.createSubscriber(options, { ...common, executorId: job.executorId }),
    starting,
  );
  const publisher = await makePart(
    'createPublisher',
    plugin,
    () => plugin.createPublisher(options, { ...common, workerId: 'doctor' }),
    starting,
  );
  try {
    const { promise: arrived, settle } = deferred<StatusEvent>();
    const subscription = await subscriber.subscribe(
      job,
      ([first]) => first !== undefined && settle(first),
      () => {},
      { signal },
    );
    const publishedAtMs = performance.now();
    await publisher.publish(job, [
      { type: 'log', callId: 0, attempt: 1, workerId: 'doctor', stream: 'log', atMs: systemClock.now(), text: 'hello' },
    ]);
    await within(arrived, MONITORING_DEADLINE_MS, 'the status that was published did not arrive');
    await subscription.close();
    return {
      message: `${monitoring.plugin.name}: a status travelled in ${formatDuration(performance.now() - publishedAtMs)}`,
    };
  } finally {
    for (const part of [publisher, subscriber]) {
      await callPlugin({ kind: 'monitoring', name: plugin.name, member: 'close' }, () => part.close(), stopping);
    }
    await storage.deleteMany(keysBelow(storage, statusPrefix(job)));
  }
}

/** Runs one call. What the backend says meanwhile is what helps when it does not come back. */
async function checkBackend(context: CliContext, options: ServiceChecksOptions): Promise<Finding> {
  const executor = new FunctionExecutor(executorOptionsOf(context, options));
  let finding: Finding;
  try {
    finding = await runOneCall(executor, context.signal, options.backendDeadlineMs);
  } catch (error) {
    const atItsEnd = await executor.dispose().catch((reason: unknown) => reason);
    if (atItsEnd === undefined) throw error;
    // What failed first is what matters, and tells how it is judged.
    throw Object.assign(error as Error, { message: `${textOf(error)}\n${textOf(atItsEnd)}` });
  }
  await executor.dispose();
  return finding;
}

async function runOneCall(executor: FunctionExecutor, signal: AbortSignal, deadlineMs: number): Promise<Finding> {
  const said = new Set<string>();
  const startedAtMs = performance.now();
  const job = executor.map(hello, [0], { name: 'doctor', signal });
  job.on('job:diagnosis', ({ severity, code, message }) => {
    if (severity !== 'info') said.add(`${code}: ${message}`);
  });
  const [answer] = await within(job.result(), deadlineMs, () => ['no call came back', ...said].join('; '));
  const where = answer === undefined ? '' : ` on ${answer.host} with Node ${answer.node}`;
  return { message: `a call ran${where} in ${formatDuration(performance.now() - startedAtMs)}` };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function* keysBelow(storage: Storage, prefix: string): AsyncGenerator<string> {
  for await (const { key } of storage.list(prefix)) yield key;
}

async function within<T>(promise: Promise<T>, deadlineMs: number, failure: string | (() => string)): Promise<T> {
  const { promise: expired, fail } = deferred<never>();
  const timer = setTimeout(() => {
    fail(new Error(`${typeof failure === 'string' ? failure : failure()} within ${formatDuration(deadlineMs)}`));
  }, deadlineMs);
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly settle: (value: T) => void;
  readonly fail: (reason: Error) => void;
}

function deferred<T>(): Deferred<T> {
  let settle: (value: T) => void = () => {};
  let fail: (reason: Error) => void = () => {};
  const promise = new Promise<T>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  return { promise, settle, fail };
}
