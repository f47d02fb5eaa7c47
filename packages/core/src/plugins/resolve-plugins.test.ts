import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatPath } from '../config/config-path.ts';
import type { ConfigInput } from '../config/config-schema.ts';
import { readConfig } from '../config/read-config.ts';
import { defineStorage } from '../contracts/plugin.ts';
import { isSplitrockError } from '../errors/splitrock-error.ts';
import { findPlugin } from './find-plugin.ts';
import { resolvePlugin, resolvePlugins } from './resolve-plugins.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'splitrock-plugins-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (file: string, text: string): void => {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
};

const ZOD = import.meta.resolve('zod');
const FACTORIES =
  'createStorage() {}, createBackend() {}, createCallSource() {}, createPublisher() {}, createSubscriber() {}';
const source = (kind: string, name: string, options = ''): string =>
  `import { z } from ${JSON.stringify(ZOD)};\n` +
  `export const plugin = { kind: '${kind}', name: '${name}', apiVersion: 1, optionsSchema: z.strictObject({${options}}), ${FACTORIES} };\n`;

function install(packageName: string, text: string, exports: unknown = './index.mjs', under = ''): void {
  write(
    join(under, 'node_modules', packageName, 'package.json'),
    JSON.stringify({ name: packageName, type: 'module', exports }),
  );
  write(join(under, 'node_modules', packageName, 'index.mjs'), text);
}

const config = (overrides: ConfigInput = {}, env: Record<string, string> = {}) =>
  readConfig({ cwd: root, env, home: join(root, 'home'), machineFile: join(root, 'etc.yaml'), overrides });

async function refusal(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; details: Record<string, unknown> }> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isSplitrockError(error)) throw new Error('no Splitrock error was thrown', { cause: error });
  return { code: error.code, message: error.message, details: error.details };
}

describe('finding a plugin', () => {
  it.each([
    ['the official package', '@splitrock/storage-tape', 'tape'],
    ['a package of the naming scheme', 'splitrock-storage-tape', 'tape'],
    ['a package of any name', 'tape-store', 'tape-store'],
    ['a scoped package', '@acme/tape', '@acme/tape'],
  ])('by name: %s', async (_case, packageName, value) => {
    install(packageName, source('storage', 'tape'));
    const { plugin, ref } = await resolvePlugin('storage', await config({ storage: value }));
    expect(plugin.name).toBe('tape');
    expect(ref).toEqual({
      module: pathToFileURL(join(root, 'node_modules', packageName, 'index.mjs')).href,
      name: 'tape',
      options: {},
    });
  });

  it('prefers the official package', async () => {
    install('splitrock-storage-tape', source('storage', 'stranger'));
    install('@splitrock/storage-tape', source('storage', 'official'));
    expect((await resolvePlugin('storage', await config({ storage: 'tape' }))).plugin.name).toBe('official');
  });

  it.each([
    ['exported to import only', { '.': { import: './index.mjs' } }],
    ['exported under nested conditions', { '.': { browser: './no.mjs', node: { import: './index.mjs' } } }],
    ['exported with alternatives', { import: ['./index.mjs', './no.mjs'] }],
  ])('that is %s', async (_case, exports) => {
    install('@splitrock/storage-tape', source('storage', 'tape'), exports);
    expect((await resolvePlugin('storage', await config({ storage: 'tape' }))).plugin.name).toBe('tape');
  });

  it('also where the caller lies', async () => {
    install('@splitrock/storage-tape', source('storage', 'tape'), './index.mjs', 'caller');
    const resolveFrom = [pathToFileURL(join(root, 'caller', 'index.js'))];
    expect((await resolvePlugin('storage', await config({ storage: 'tape' }), { resolveFrom })).plugin.name).toBe(
      'tape',
    );
  });

  it('by a path, told from the file that has it', async () => {
    write('shared/stores/tape.mjs', source('storage', 'tape'));
    write('shared/named.yaml', 'storage: ./stores/tape.mjs\n');
    const { ref } = await resolvePlugin('storage', await config({}, { SPLITROCK_CONFIG: 'shared/named.yaml' }));
    expect(ref.module).toBe(pathToFileURL(join(root, 'shared/stores/tape.mjs')).href);
  });

  it('by a path or file URL in code, told from the working directory', async () => {
    write('tape.mjs', source('storage', 'tape'));
    const module = pathToFileURL(join(root, 'tape.mjs')).href;
    expect((await resolvePlugin('storage', await config({ storage: './tape.mjs' }))).ref.module).toBe(module);
    expect((await resolvePlugin('storage', await config({ storage: module }))).ref.module).toBe(module);
  });

  it('by its descriptor, which workers find by its name', async () => {
    const plugin = defineStorage({
      kind: 'storage',
      name: 'tape',
      apiVersion: 1,
      optionsSchema: z.strictObject({ slot: z.int().default(1) }),
      createStorage: () => Promise.reject(new Error('no')),
    });
    expect((await resolvePlugin('storage', await config({ storage: plugin }))).ref).toEqual({
      module: 'splitrock-storage-tape',
      name: 'tape',
      options: { slot: 1 },
    });
    install('@splitrock/storage-tape', source('storage', 'tape'));
    const resolved = await resolvePlugin('storage', await config({ storage: plugin, storages: { tape: { slot: 2 } } }));
    expect(resolved.plugin).toBe(plugin);
    expect(resolved.ref).toMatchObject({
      module: pathToFileURL(join(root, 'node_modules/@splitrock/storage-tape/index.mjs')).href,
      options: { slot: 2 },
    });
  });
});

describe('a plugin that cannot be had', () => {
  it('is to be installed when it is ours', async () => {
    // All of ours can be seen from this file.
    const search = { kind: 'backend', value: 'k8s', cwd: root, bases: [pathToFileURL(`${root}/`)] } as const;
    const found = (async () => findPlugin({ ...search, origin: { kind: 'variable', name: 'SPLITROCK_BACKEND' } }))();
    const { code, message } = await refusal(found);
    expect({ code, message }).toEqual({
      code: 'PLUGIN_NOT_FOUND',
      message:
        'No backend plugin `k8s` is installed [tried=@splitrock/backend-k8s, splitrock-backend-k8s, k8s, set by=SPLITROCK_BACKEND]; run `npm install @splitrock/backend-k8s`',
    });
  });

  it('may be a misspelt one of those installed', async () => {
    install('splitrock-storage-tape', source('storage', 'tape'));
    const { message } = await refusal(resolvePlugin('storage', await config({ storage: 'taep' })));
    expect(message).toMatch(/; did you mean tape\?; installed: .*\btape\b/);
  });

  it('may be a stranger’s', async () => {
    const { message } = await refusal(resolvePlugin('monitoring', await config({ monitoring: 'carrier-pigeon' })));
    expect(message).toMatch(
      /; run `npm install splitrock-monitoring-carrier-pigeon` if there is such a package, or name another monitoring/,
    );
  });

  it('is never a module of Node', async () => {
    expect(await refusal(resolvePlugin('storage', await config({ storage: 'fs' })))).toMatchObject({
      code: 'PLUGIN_NOT_FOUND',
    });
  });

  it('may be a path to nothing', async () => {
    const { message } = await refusal(resolvePlugin('storage', await config({ storage: './nope.mjs' })));
    expect(message).toBe(
      `No storage plugin \`./nope.mjs\` is installed [tried=${pathToFileURL(join(root, 'nope.mjs')).href}, set by=code]; check the path; it must name a file`,
    );
  });

  it.each([
    [
      'throws',
      'throw new Error("libtape.so is missing");',
      'PLUGIN_LOAD_FAILED',
      /failed while it was loaded: libtape\.so is missing \[module=file:.*tape\.mjs\]; check/,
    ],
    ['is no plugin', 'export const tape = 1;', 'PLUGIN_INVALID', /has no export `plugin`/],
    [
      'is of another kind',
      source('backend', 'tape'),
      'PLUGIN_INVALID',
      /`tape` is broken: it is a plugin of kind backend, not storage/,
    ],
  ])('because its module %s', async (_case, text, expectedCode, expectedMessage) => {
    write('tape.mjs', text);
    const { code, message } = await refusal(resolvePlugin('storage', await config({ storage: './tape.mjs' })));
    expect(code).toBe(expectedCode);
    expect(message).toMatch(expectedMessage);
  });
});

describe('options', () => {
  const chooseTape = (): void => {
    write(
      'tape.mjs',
      source(
        'storage',
        'tape',
        'slot: z.int().min(1).default(1), password: z.string().optional(), pin: z.string().meta({ secret: true }).optional()',
      ),
    );
    write('backend.mjs', source('backend', 'barn', 'horses: z.int().default(2)'));
    write('monitoring.mjs', source('monitoring', 'window'));
  };
  const choice = { storage: './tape.mjs', backend: './backend.mjs', monitoring: './monitoring.mjs' };

  it('are checked by the plugin’s schema, secrets resolved', async () => {
    chooseTape();
    write('splitrock.config.yaml', 'storages: { tape: { password: "${env:PW}", pin: "1234" } }\n');
    const { storage, backend, monitoring } = await resolvePlugins(
      await config(choice, { PW: 'deep', SPLITROCK_BACKENDS__BARN__HORSES: '3' }),
    );
    expect([storage.options, backend.options, monitoring.options]).toEqual([
      { slot: 1, password: 'deep', pin: '1234' },
      { horses: 3 },
      {},
    ]);
    const shown = storage.entries.map(({ path, value, origin }) => [formatPath(path), value, origin.kind]);
    expect(shown).toEqual([
      ['storages.tape.slot', 1, 'default'],
      ['storages.tape.password', '${env:PW}', 'file'],
      ['storages.tape.pin', '<redacted>', 'file'],
    ]);
  });

  it('of plugins that are not chosen are not checked', async () => {
    chooseTape();
    write(
      'splitrock.config.yaml',
      'storages: { s3: { anything: goes }, cellar: { x: "${env:NOPE}" }, tape: }\nbackends:\n  barn:\n',
    );
    expect((await resolvePlugins(await config(choice))).storage.options).toEqual({ slot: 1 });
  });

  it('have all their problems in one error, with those of the configuration and of missing plugins', async () => {
    chooseTape();
    write(
      'splitrock.config.yaml',
      'logLevel: loud\nstorages:\n  tape: { slott: 2, slot: 0 }\n  taep: { slot: 2 }\nbackends:\n  barn: 5\n',
    );
    const { code, message, details } = await refusal(
      resolvePlugins(await config({ ...choice, monitoring: 'nowhere-at-all' })),
    );
    expect(code).toBe('CONFIG_INVALID');
    expect(message.split('\n')).toEqual([
      'The configuration has 6 problems:',
      '  logLevel: must be one of debug, info, warn, error, silent, got "loud" (splitrock.config.yaml:1)',
      '  storages.taep: unknown storage plugin (splitrock.config.yaml:4); did you mean tape?',
      '  backends.barn: must be a section with keys, got 5 (splitrock.config.yaml:6)',
      '  storages.tape.slot: must be >= 1, got 0 (splitrock.config.yaml:3)',
      '  storages.tape.slott: unknown key (splitrock.config.yaml:3); did you mean slot?',
      expect.stringMatching(/^ {2}monitoring: No monitoring plugin `nowhere-at-all` is installed .* \(code\)$/),
    ]);
    expect(details['problems']).toHaveLength(6);
  });

  it('leave a missing plugin its own code when that is all that is wrong', async () => {
    chooseTape();
    expect(await refusal(resolvePlugins(await config({ ...choice, monitoring: 'nowhere-at-all' })))).toMatchObject({
      code: 'PLUGIN_NOT_FOUND',
    });
  });
});
