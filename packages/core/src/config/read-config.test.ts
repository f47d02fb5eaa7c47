import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineStorage } from '../contracts/plugin.ts';
import { isSplitrockError } from '../errors/splitrock-error.ts';
import { z } from 'zod';
import { formatOrigin } from './config-origin.ts';
import { formatPath } from './config-path.ts';
import type { ConfigInput } from './config-schema.ts';
import { loadConfig, readConfig, type ResolvedConfig } from './read-config.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'splitrock-read-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (file: string, text: string): void => {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
};

const read = (env: Record<string, string> = {}, overrides: ConfigInput = {}): Promise<ResolvedConfig> =>
  readConfig({ cwd: root, env, home: join(root, 'home'), machineFile: join(root, 'etc.yaml'), overrides });

const originOf = (config: ResolvedConfig, ...path: string[]): string => formatOrigin(config.origin(path), root);

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isSplitrockError(error)) throw new Error('no Splitrock error was thrown', { cause: error });
  return `${error.code}: ${error.message}`;
}

describe('readConfig', () => {
  it('has defaults for everything', async () => {
    const config = await read();
    expect(config.problems).toEqual([]);
    expect(config.value).toMatchObject({
      tenant: 'default',
      backend: 'localhost',
      storage: 'local',
      monitoring: 'storage',
      logLevel: 'warn',
    });
    expect(config.value.job).toMatchObject({ timeoutMs: null, retries: 0 });
    expect(originOf(config, 'backend')).toBe('default');
    expect(config.origin(['backends', 'nothing'])).toEqual({ kind: 'default' });
  });

  it('lets each layer win over the lower ones, and knows which did', async () => {
    write('etc.yaml', 'tenant: machine\nbackend: machine\nstorage: machine\nmonitoring: machine\nlogLevel: error\n');
    write('home/.config/splitrock/config.yaml', 'backend: user\nstorage: user\nmonitoring: user\nlogLevel: info\n');
    write('splitrock.config.yaml', 'storage: project\nmonitoring: project\nlogLevel: debug\n');
    write('named.json', '{ "monitoring": "named", "logLevel": "silent", "job": { "retries": 1, "cpu": 2 } }');
    const config = await read(
      { SPLITROCK_CONFIG: 'named.json', SPLITROCK_LOG_LEVEL: 'warn', SPLITROCK_JOB__CPU: '3' },
      { job: { cpu: 4 } },
    );
    expect(config.problems).toEqual([]);
    expect(config.value).toMatchObject({
      tenant: 'machine',
      backend: 'user',
      storage: 'project',
      monitoring: 'named',
      logLevel: 'warn',
    });
    expect(config.value.job).toMatchObject({ retries: 1, cpu: 4 });
    expect(originOf(config, 'tenant')).toBe('etc.yaml:1');
    expect(originOf(config, 'backend')).toBe('home/.config/splitrock/config.yaml:1');
    expect(originOf(config, 'storage')).toBe('splitrock.config.yaml:1');
    expect(originOf(config, 'monitoring')).toBe('named.json:1');
    expect(originOf(config, 'logLevel')).toBe('SPLITROCK_LOG_LEVEL');
    expect(originOf(config, 'job', 'cpu')).toBe('code');
    expect(originOf(config, 'job', 'retries')).toBe('named.json:1');
    expect(originOf(config, 'job', 'timeoutMs')).toBe('default');
  });

  it('reports every problem at once', async () => {
    write('splitrock.config.yaml', 'bakend: k8s\ntenant: My Team\njob:\n  retrys: 3\n');
    const message = await messageOf(
      loadConfig({
        cwd: root,
        env: { SPLITROCK_LOGLEVEL: 'loud', SPLITROCK_TENNANT: 'x' },
        home: root,
        machineFile: join(root, 'etc.yaml'),
      }),
    );
    expect(message).toBe(
      [
        'CONFIG_INVALID: The configuration has 5 problems:',
        '  SPLITROCK_TENNANT: unknown variable; did you mean SPLITROCK_TENANT?',
        '  tenant: must be 1 to 32 of a-z, 0-9 and -, with no - at its ends, got "My Team" (splitrock.config.yaml:2)',
        '  logLevel: must be one of debug, info, warn, error, silent, got "loud" (SPLITROCK_LOGLEVEL)',
        '  job.retrys: unknown key (splitrock.config.yaml:4); did you mean retries?',
        '  bakend: unknown key (splitrock.config.yaml:1); did you mean backend?',
      ].join('\n'),
    );
  });

  it('goes on with what is sound when a key is not', async () => {
    write('splitrock.config.yaml', 'tenant: My Team\nstorage: s3\n');
    const config = await read();
    expect(config.value).toMatchObject({ tenant: 'default', storage: 's3' });
    expect(config.problems).toHaveLength(1);
  });

  it('names file and line of what is no YAML', async () => {
    write('splitrock.config.yaml', 'backend: k8s\n  storage: s3\n');
    expect(await messageOf(read().then((config) => config.assertValid()))).toMatch(
      /^CONFIG_INVALID: The configuration has 2 problems:\n {2}splitrock\.config\.yaml:1: .+\n {2}splitrock\.config\.yaml:1: .+$/,
    );
  });

  it('says which file cannot be read', async () => {
    mkdirSync(join(root, 'splitrock.config.yaml'));
    expect(await messageOf(read())).toMatch(
      /^CONFIG_UNREADABLE: The configuration file splitrock\.config\.yaml cannot be read: EISDIR/,
    );
  });

  it('resolves references in its own keys and shows them unresolved', async () => {
    write(
      'splitrock.config.yaml',
      'tenant: ${env:TEAM}\nstorages: { s3: { secretAccessKey: "${env:KEY}", sessionToken: abc } }\n',
    );
    const config = await read({ TEAM: 'blue' });
    expect(config.value.tenant).toBe('blue');
    const shown = Object.fromEntries(Array.from(config.entries(), ({ path, value }) => [formatPath(path), value]));
    expect(shown).toMatchObject({
      tenant: '${env:TEAM}',
      'storages.s3.secretAccessKey': '${env:KEY}',
      'storages.s3.sessionToken': '<redacted>',
    });
  });

  it('takes a plugin descriptor from code as it is', async () => {
    const optionsSchema = z.strictObject({});
    const plugin = defineStorage({
      kind: 'storage',
      name: 'mine',
      apiVersion: 1,
      optionsSchema,
      createStorage: () => Promise.reject(new Error('no')),
    });
    const config = await read({ SPLITROCK_STORAGE: 'local' }, { storage: plugin });
    expect(config.value.storage).toBe(plugin);
    expect([...config.entries()].find(({ path }) => path[0] === 'storage')).toMatchObject({
      value: '<plugin mine>',
      origin: { kind: 'code' },
    });
  });
});

describe('a configuration that is a module', () => {
  it.each([
    [
      'ts',
      'interface X { a: number }\nenum Mode { Debug = "debug" }\nexport const config = { logLevel: Mode.Debug } satisfies object;',
    ],
    ['ts', 'export default { logLevel: "debug" } as const;'],
    ['mts', 'export const config: object = { logLevel: "debug" };'],
    ['js', 'export const config = { logLevel: "debug" };'],
    ['mjs', 'export default { logLevel: "debug" };'],
  ])('may be .%s: %s', async (ending, text) => {
    write('package.json', '{ "type": "module" }');
    write(`splitrock.config.${ending}`, text);
    const config = await read();
    expect(config.problems).toEqual([]);
    expect(config.value.logLevel).toBe('debug');
    expect(originOf(config, 'logLevel')).toBe(`splitrock.config.${ending}`);
  });

  it('may import its own files and installed packages, and knows where it lies', async () => {
    write(
      'lib/level.ts',
      'import { LEVELS } from "levels";\nexport const level: string = LEVELS[0];\nexport const here = import.meta.url;\n',
    );
    write(
      'node_modules/levels/package.json',
      '{ "name": "levels", "type": "module", "exports": { "import": "./index.mjs" } }',
    );
    write('node_modules/levels/index.mjs', 'export const LEVELS = ["error"];');
    write(
      'splitrock.config.ts',
      'import { level, here } from "./lib/level.js";\nexport const config = { logLevel: level, storages: { x: { here, file: import.meta.filename } } };',
    );
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('splitrock-config-'));
    const config = await read();
    expect(config.problems).toEqual([]);
    expect(config.value.logLevel).toBe('error');
    const values = Array.from(config.entries(), ({ value }) => value);
    expect(values).toContain(`file://${join(root, 'lib/level.ts')}`);
    expect(values).toContain(join(root, 'splitrock.config.ts'));
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('splitrock-config-'))).toEqual(before);
  });

  it('is read again after it changed', async () => {
    write('splitrock.config.ts', 'export const config = { logLevel: "debug" };');
    expect((await read()).value.logLevel).toBe('debug');
    write('splitrock.config.ts', 'export const config = { logLevel: "info" };');
    expect((await read()).value.logLevel).toBe('info');
  });

  it.each([
    [
      'throws',
      'throw new Error("no such thing");',
      /^CONFIG_UNREADABLE: The configuration file splitrock\.config\.ts cannot be loaded: no such thing/,
    ],
    ['is no TypeScript', 'export const = ;', /^CONFIG_UNREADABLE: .*splitrock\.config\.ts:1:13: ERROR/s],
    [
      'imports what is not there',
      'import "nowhere-to-be-found";',
      /^CONFIG_UNREADABLE: .*Could not resolve "nowhere-to-be-found"/s,
    ],
  ])('that %s is refused', async (_case, text, expected) => {
    write('splitrock.config.ts', text);
    expect(await messageOf(read())).toMatch(expected);
  });

  it('that exports nothing is a problem', async () => {
    write('splitrock.config.ts', 'const config = {};');
    expect(await messageOf(read().then((config) => config.assertValid()))).toBe(
      'CONFIG_INVALID: The configuration has a problem:\n  splitrock.config.ts: must export its configuration: `export const config = defineConfig({ … })`',
    );
  });
});
