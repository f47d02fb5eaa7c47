/** Plugins of strangers that are wrong in every way: whoever uses one is told which, in which member, and what to do. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FunctionExecutor, isSplitrockError, type ExecutorOptions } from 'splitrock';
import { optionsIn, rejection, useFolder } from './support.ts';

const folder = useFolder();
const ZOD = import.meta.resolve('zod');
const LOCAL_STORAGE = import.meta.resolve('@splitrock/storage-local');
const STORAGE_MONITORING = import.meta.resolve('@splitrock/monitoring-storage');
let files = 0;

/** Writes a plugin's module and returns its path, as a configuration names it. */
async function pluginFile(text: string): Promise<string> {
  const name = `./plugin-${(files += 1)}.mjs`;
  await writeFile(join(folder.path, name), `import { z } from ${JSON.stringify(ZOD)};\n${text}`);
  return name;
}

/** A backend that accepts everything and runs nothing; `wrong` replaces members of the descriptor, `broken` of its part. */
const backendText = ({ wrong = '', broken = '' } = {}): string => `
  const part = {
    name: 'odd',
    start: async () => {}, capacity: () => ({ current: 0, max: 1 }), runtime: async () => ({ nodeVersion: '24.0.0' }),
    submit: async () => {}, cancel: async () => {}, endJob: async () => {}, clean: async () => ({ removed: {} }),
    stop: async () => {}, ${broken}
  };
  export const plugin = {
    kind: 'backend', name: 'odd', apiVersion: 1, optionsSchema: z.strictObject({ size: z.int().default(1) }),
    createBackend: () => part, createCallSource: () => {}, ${wrong}
  };`;

const started = ({ backends, ...options }: ExecutorOptions): FunctionExecutor =>
  new FunctionExecutor({ ...optionsIn(folder, options), ...(backends === undefined ? {} : { backends }) });

/** Why a job cannot be had; the executor is disposed of, which must not fail because of it. */
async function refusal(options: ExecutorOptions): Promise<Error & { code?: string; details?: unknown }> {
  const executor = started(options);
  const error = await rejection(executor.callAsync(() => 1).result());
  await executor.dispose();
  expect(isSplitrockError(error), String(error)).toBe(true);
  return error;
}

const storageText = (members: string): string => `
  import { plugin as local } from ${JSON.stringify(LOCAL_STORAGE)};
  export const plugin = { ...local, name: 'odd-store', ${members} };`;

const TELLS_ITS_CLOSE = `createStorage: async (options, deps) => {
    const storage = await local.createStorage(options, deps);
    const close = storage.close.bind(storage);
    return Object.assign(storage, { close: () => { globalThis.oddStoreClosed = true; return close(); } });
  }`;

const FOREVER = 'new Promise(() => {})';

describe('a backend plugin by path is refused', () => {
  it.each([
    [
      'of another version',
      backendText({ wrong: 'apiVersion: 2' }),
      'PLUGIN_API_VERSION',
      'apiVersion',
      'update splitrock',
    ],
    [
      'without a factory',
      backendText({ wrong: 'createCallSource: 1' }),
      'PLUGIN_INVALID',
      'createCallSource',
      'docs/authoring',
    ],
    [
      'whose factory returns nothing',
      backendText({ wrong: 'createBackend() {}' }),
      'PLUGIN_INVALID',
      'createBackend',
      'docs/authoring',
    ],
    [
      'whose factory throws',
      backendText({ wrong: 'createBackend() { throw new Error("no key") }' }),
      'PLUGIN_FAILED',
      'createBackend',
      'check its options',
    ],
    [
      'whose factory rejects with nothing',
      backendText({ wrong: 'createBackend: () => Promise.reject()' }),
      'PLUGIN_FAILED',
      'createBackend',
      'check its options',
    ],
    [
      'whose factory hangs',
      backendText({ wrong: `createBackend: () => ${FOREVER}` }),
      'PLUGIN_TIMEOUT',
      'createBackend',
      'pluginStartTimeoutMs',
    ],
    [
      'whose start throws',
      backendText({ broken: 'start() { throw new Error("no key") }' }),
      'PLUGIN_FAILED',
      'start',
      'check its options',
    ],
    [
      'whose start hangs',
      backendText({ broken: `start: () => ${FOREVER}` }),
      'PLUGIN_TIMEOUT',
      'start',
      'pluginStartTimeoutMs',
    ],
  ])('%s', async (_what, text, code, member, remedy) => {
    const error = await refusal({ backend: await pluginFile(text), pluginStartTimeoutMs: 500 });
    expect(error).toMatchObject({ code, details: { kind: 'backend', name: 'odd', member } });
    expect(error.message).toContain('`odd`');
    expect(error.message).toContain(`member=${member}`);
    expect(error.message).toContain(remedy);
  });

  it('that throws while it is loaded, by its module', async () => {
    const file = await pluginFile('throw new Error("libodd.so is missing");');
    const error = await refusal({ backend: file });
    expect(error).toMatchObject({ code: 'PLUGIN_LOAD_FAILED', cause: { message: 'libodd.so is missing' } });
    expect(error.message).toMatch(
      /failed while it was loaded: libodd\.so is missing \[module=file:.*plugin-\d+\.mjs\]; check/,
    );
  });

  it('that is never loaded, by what the configuration calls it', async () => {
    const file = await pluginFile(`await ${FOREVER};`);
    const error = await refusal({ backend: file, pluginStartTimeoutMs: 500 });
    expect(error).toMatchObject({ code: 'PLUGIN_TIMEOUT', details: { name: file, member: 'import' } });
  });

  it('with all members that its part lacks', async () => {
    const file = await pluginFile(backendText({ broken: 'submit: undefined, stop: 7' }));
    const error = await refusal({ backend: file });
    expect(error).toMatchObject({ code: 'PLUGIN_INVALID', details: { missing: ['submit', 'stop'] } });
    expect(error.message).toContain(
      'what `createBackend` returned lacks `submit` (must be a function), `stop` (must be a function)',
    );
  });

  it('with all options that do not fit', async () => {
    const backend = await pluginFile(backendText());
    const error = await refusal({ backend, backends: { odd: { size: 'large', sise: 2 } } });
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toMatch(
      /backends\.odd\.size: .*"large".*\n.*backends\.odd\.sise: unknown key .*did you mean size\?/,
    );
  });
});

describe('a backend plugin that starts', () => {
  it.each([
    ['hangs', `stop: () => ${FOREVER}`, 'PLUGIN_TIMEOUT', 'pluginStopTimeoutMs'],
    ['throws', 'stop: async () => { throw new Error("stuck") }', 'PLUGIN_FAILED', 'stuck'],
  ])('and %s in its stop makes dispose say so, after all else is ended', async (_what, broken, code, text) => {
    const storage = await pluginFile(storageText(TELLS_ITS_CLOSE));
    const backend = await pluginFile(backendText({ broken }));
    const executor = started({ backend, storage, pluginStopTimeoutMs: 500 });
    Object.assign(globalThis, { oddStoreClosed: false });
    const job = executor.map((n: number) => n, [1]);
    await job.cancel();
    await expect(job.settled()).resolves.toHaveLength(1);
    const error = await rejection(executor.dispose());
    expect(error).toMatchObject({ code, details: { name: 'odd', member: 'stop' } });
    expect(error.message).toContain(text);
    expect(globalThis).toMatchObject({ oddStoreClosed: true });
  });
});

describe('a storage or monitoring plugin by path', () => {
  const monitoringText = (members: string): string => `
    import { plugin as sound } from ${JSON.stringify(STORAGE_MONITORING)};
    export const plugin = { ...sound, name: 'odd-news', ${members} };`;

  it('is told by its part as well', async () => {
    const storage = await pluginFile(storageText('createStorage: () => ({ name: "odd-store" })'));
    expect(await refusal({ storage })).toMatchObject({
      code: 'PLUGIN_INVALID',
      details: {
        kind: 'storage',
        member: 'createStorage',
        missing: expect.arrayContaining(['limits', 'getStream']) as unknown,
      },
    });
    const monitoring = await pluginFile(monitoringText('createSubscriber() { throw new TypeError("no address") }'));
    expect(await refusal({ monitoring })).toMatchObject({
      code: 'PLUGIN_FAILED',
      details: { kind: 'monitoring', name: 'odd-news', member: 'createSubscriber' },
      cause: { message: 'no address' },
    });
  });

  it('may not have the name of another that is used beside it', async () => {
    const [one, other] = [await pluginFile(storageText('')), await pluginFile(storageText(''))];
    const error = await refusal({ storage: one, dataStorages: [other] });
    expect(error).toMatchObject({ code: 'PLUGIN_DUPLICATE_NAME', details: { name: 'odd-store', member: 'name' } });
    expect(error.message).toMatch(/plugin-\d+\.mjs, file:.*plugin-\d+\.mjs\]; .* have one renamed/);
  });

  it('may be named twice, when it is the same', async () => {
    const storage = await pluginFile(storageText(''));
    await using executor = started({ storage, dataStorages: [storage] });
    expect(await executor.callAsync(() => 'ran')).toBe('ran');
  });

  it('that fails in the worker ends calls with a reason, and says why to whoever waits', async () => {
    const monitoring = await pluginFile(monitoringText('createPublisher() { throw new TypeError("no address") }'));
    await using executor = started({ monitoring, logLevel: 'silent' });
    const job = executor.map((n: number) => n, [1]);
    const said: string[] = [];
    job.on('job:diagnosis', ({ message, details }) => said.push(`${message} ${JSON.stringify(details)}`));
    expect(await rejection(job.result())).toMatchObject({ code: 'CALL_LOST' });
    expect(said.join('\n')).toMatch(/PLUGIN_FAILED/);
    expect(said.join('\n')).toMatch(/odd-news.*createPublisher/);
  });
});
