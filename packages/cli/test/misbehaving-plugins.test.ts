/** `splitrock doctor` with plugins that are wrong: the check that finds it says which plugin, which member, and what to do. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliSandbox } from './cli-sandbox.ts';

let sandbox: CliSandbox;
beforeEach(() => {
  sandbox = new CliSandbox();
});
afterEach(() => sandbox.dispose());

const ZOD = import.meta.resolve('zod');
const LOCAL_STORAGE = import.meta.resolve('@splitrock/storage-local');
const FOREVER = 'new Promise(() => {})';

const backend = (members: string, part = ''): string => `
  import { z } from ${JSON.stringify(ZOD)};
  const part = {
    name: 'odd', capacity: () => ({ current: 0, max: 1 }), runtime: async () => ({ nodeVersion: '24.0.0' }),
    start: async () => {}, submit: async () => {}, cancel: async () => {}, endJob: async () => {},
    clean: async () => ({ removed: {} }), stop: async () => {}, ${part}
  };
  export const plugin = { kind: 'backend', name: 'odd', apiVersion: 1, optionsSchema: z.strictObject({}),
    createBackend: () => part, createCallSource: () => {}, ${members} };`;
const storage = (members: string): string => `
  import { plugin as local } from ${JSON.stringify(LOCAL_STORAGE)};
  export const plugin = { ...local, name: 'odd-store', ${members} };`;

interface Report {
  readonly healthy: boolean;
  readonly checks: readonly { readonly name: string; readonly status: string; readonly message: string }[];
}

async function failures(config: string): Promise<readonly (readonly [string, string])[]> {
  sandbox.write('splitrock.config.yaml', `pluginStartTimeoutMs: 1000\npluginStopTimeoutMs: 1000\n${config}`);
  const { exitCode, stdout } = await sandbox.run(['doctor', '--json', '--timeout', '10s']);
  expect(exitCode).toBe(1);
  const { checks } = JSON.parse(stdout) as Report;
  return checks.filter(({ status }) => status === 'fail').map(({ name, message }) => [name, message]);
}

describe('doctor', { timeout: 60_000 }, () => {
  it.each([
    [
      'of another version',
      backend('apiVersion: 2'),
      'backend plugin',
      /^PLUGIN_API_VERSION: .*`odd`.*\[member=apiVersion, .*update splitrock/,
    ],
    [
      'without a member',
      backend('createCallSource: 1'),
      'backend plugin',
      /^PLUGIN_INVALID: .*`odd`.*\[member=createCallSource, .*see docs\/authoring/,
    ],
    [
      'that throws while it is loaded',
      'throw new Error("libodd is missing")',
      'backend plugin',
      /^PLUGIN_LOAD_FAILED: .*libodd is missing \[module=.*odd\.mjs\]; check/,
    ],
    [
      'whose start hangs',
      backend('', `start: () => ${FOREVER}`),
      'backend',
      /^PLUGIN_TIMEOUT: .*`odd`.*\[member=start, timeoutMs=1000\]; .*pluginStartTimeoutMs/,
    ],
  ])('tells of a backend %s', async (_what, text, check, message) => {
    sandbox.write('odd.mjs', text);
    expect(await failures('backend: ./odd.mjs\n')).toEqual([[check, expect.stringMatching(message)]]);
  });

  it('tells of a stop that hangs, beside what failed before it', async () => {
    sandbox.write('odd.mjs', backend('', `start() { throw new Error("no key") }, stop: () => ${FOREVER}`));
    const found = await failures('backend: ./odd.mjs\n');
    expect(found).toEqual([
      [
        'backend',
        expect.stringMatching(/^PLUGIN_FAILED: .*`start`: no key.*\n.*`odd` has not finished `stop` in time/),
      ],
    ]);
  });

  it('tells of options that do not fit', async () => {
    sandbox.write('odd.mjs', backend(''));
    const found = await failures('backend: ./odd.mjs\nbackends:\n  odd: { size: 1 }\n');
    expect(found[0]).toEqual([
      'backend plugin',
      expect.stringMatching(/^CONFIG_INVALID: .*backends\.odd\.size: unknown key/s),
    ]);
  });

  it('tells of a storage that lacks methods, and of two that have one name', async () => {
    sandbox.write('odd.mjs', storage('createStorage: () => ({ name: "odd-store", limits: {} })'));
    expect(await failures('storage: ./odd.mjs\n')).toEqual([
      [
        'storage',
        expect.stringMatching(
          /^PLUGIN_INVALID: .*`createStorage` returned lacks `put` \(must be a function\), .*see docs\/authoring/,
        ),
      ],
    ]);
    for (const name of ['one.mjs', 'two.mjs']) sandbox.write(name, storage(''));
    expect(await failures('storage: ./one.mjs\ndataStorages: [./two.mjs]\n')).toEqual([
      [
        'storage plugin',
        expect.stringMatching(/^PLUGIN_DUPLICATE_NAME: .*`odd-store`.*one\.mjs, .*two\.mjs\]; .*renamed/),
      ],
    ]);
  });
});
