import { mkdtempSync, openSync, closeSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  readAmbientWorker,
  setAmbientWorker,
  silentLogger,
  systemClock,
  type AmbientWorker,
} from '@splitrock/core/plugin';
import { jsonLogger } from './json-logger.ts';
import { loadPlugin } from './load-plugin.ts';
import { readBootstrap } from './read-bootstrap.ts';
import { runtimeReport } from './runtime-report.ts';

const moduleOf = (text: string): string => `data:text/javascript,export const plugin = ${encodeURIComponent(text)};`;
const limits = { clock: systemClock, logger: silentLogger, timeoutMs: 60_000 };
const load = (text: string): Promise<unknown> =>
  loadPlugin('storage', { module: moduleOf(text), name: 'odd', options: { password: 'secret-text' } }, limits);

describe('a plugin that a bootstrap names', () => {
  it.each([
    ['undefined', 'PLUGIN_INVALID', 'no export `plugin`'],
    ['{ kind: "backend", apiVersion: 1 }', 'PLUGIN_INVALID', 'of kind backend'],
    ['{ kind: "storage", apiVersion: 99 }', 'PLUGIN_API_VERSION', '99'],
    ['{ kind: "storage", name: "odd", apiVersion: 1 }', 'PLUGIN_INVALID', 'optionsSchema'],
    [
      '{ kind: "storage", name: "odd", apiVersion: 1, optionsSchema: { async safeParseAsync() {} } }',
      'PLUGIN_INVALID',
      'createStorage',
    ],
  ])('is refused when it is %s', async (text, code, why) => {
    await expect(load(text)).rejects.toMatchObject({ code });
    await expect(load(text)).rejects.toThrow(why);
  });

  it('is refused with paths, without values, when it does not take the options', async () => {
    const schema =
      '{ safeParseAsync: async (v) => ({ success: false, error: { issues: [{ path: ["password"], message: "got " + v.password }] } }) }';
    const refused = load(
      `{ kind: "storage", name: "odd", apiVersion: 1, createStorage() {}, optionsSchema: ${schema} }`,
    );
    await expect(refused).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(refused).rejects.toThrow('paths=password');
    await expect(refused).rejects.not.toThrow('secret-text');
  });

  it('is refused with the cause when its module throws', async () => {
    const refused = loadPlugin(
      'storage',
      { module: 'data:text/javascript,throw new Error("broken")', name: 'odd', options: {} },
      limits,
    );
    await expect(refused).rejects.toMatchObject({ code: 'PLUGIN_LOAD_FAILED', cause: { message: 'broken' } });
  });

  it('comes with the options that its schema made', async () => {
    const schema = '{ safeParseAsync: async (options) => ({ success: true, data: { ...options, added: 1 } }) }';
    const loaded = await load(
      `{ kind: "storage", name: "odd", apiVersion: 1, createStorage() {}, optionsSchema: ${schema} }`,
    );
    expect(loaded).toMatchObject({ options: { password: 'secret-text', added: 1 } });
  });
});

describe('what a worker is told by files', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'splitrock-bootstrap-'));
    file = join(folder, 'file.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const plugin = { module: 'some-plugin', name: 'some', options: { password: 'secret-text' } };
  const slots = { workerProcesses: 1, callsPerProcess: 1, kind: 'process' };
  const shared = { version: 1, tenant: 't', backend: plugin, storage: plugin, monitoring: plugin, logLevel: 'info' };

  it('gives way to the environment, which makes one file serve many workers', () => {
    writeFileSync(file, JSON.stringify({ ...shared, slots }));
    const env = {
      SPLITROCK_WORKER_ID: 'pod-1',
      SPLITROCK_WORKER_PROCESSES: '8',
      SPLITROCK_WORKER_CALLS_PER_PROCESS: '50',
    };
    expect(readBootstrap(file, env)).toMatchObject({
      workerId: 'pod-1',
      slots: { workerProcesses: 8, callsPerProcess: 50, kind: 'process' },
    });
    expect(readBootstrap(file, { SPLITROCK_WORKER_ID: 'pod-2' })).toMatchObject({ workerId: 'pod-2', slots });
  });

  it.each([
    ['no worker id anywhere', {}, 'paths=workerId'],
    ['a size that is no number', { SPLITROCK_WORKER_ID: 'w', SPLITROCK_WORKER_PROCESSES: 'many' }, 'workerProcesses'],
    ['a size of nothing', { SPLITROCK_WORKER_ID: 'w', SPLITROCK_WORKER_PROCESSES: '' }, 'workerProcesses'],
  ])('is refused with %s', (_what, env, message) => {
    writeFileSync(file, JSON.stringify({ ...shared, slots }));
    expect(() => readBootstrap(file, env)).toThrow(message);
  });

  it('is taken as it is from a descriptor, whatever worker this one was started in', () => {
    writeFileSync(file, JSON.stringify({ ...shared, workerId: 'own', slots }));
    const fd = openSync(file, 'r');
    try {
      expect(readBootstrap(`fd:${fd}`, { SPLITROCK_WORKER_ID: 'outer' })).toMatchObject({ workerId: 'own' });
    } finally {
      closeSync(fd);
    }
  });

  it('names what the image has, and nothing where there is no image', () => {
    writeFileSync(file, JSON.stringify({ format: 1, packages: { sharp: '0.34.0' } }));
    const { node } = process.versions;
    const own = {
      splitrockVersion: expect.stringMatching(/^\d+\.\d+\.\d+/),
      nodeVersion: node,
      architecture: process.arch,
    };
    expect(runtimeReport({ SPLITROCK_WORKER_RUNTIME_FILE: file })).toEqual({ ...own, packages: { sharp: '0.34.0' } });
    expect(runtimeReport({})).toEqual(own);
    writeFileSync(file, '{}');
    const broken = (): unknown => runtimeReport({ SPLITROCK_WORKER_RUNTIME_FILE: file });
    expect(broken).toThrow(`file=${file}`);
  });
});

describe('the worker’s log', () => {
  it('is a JSON object a line, from its level on, with the fields of its ancestors', () => {
    const lines: string[] = [];
    const logger = jsonLogger('warn', { workerId: 'w1' }, (line) => lines.push(line)).child({ slot: 2 });
    logger.info('not told');
    logger.error('told', { error: new RangeError('far'), big: 3n });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      level: 'error',
      message: 'told',
      workerId: 'w1',
      slot: 2,
      error: { name: 'RangeError', message: 'far' },
      big: '3',
    });
  });
});

describe('the ambient worker', () => {
  it('is read only in a version that is known, and does not show among the globals', () => {
    expect(readAmbientWorker()).toBe(undefined);
    const ambient = { version: 1, workerId: 'w1' } as AmbientWorker;
    setAmbientWorker(ambient);
    expect(readAmbientWorker()).toBe(ambient);
    expect(Object.getOwnPropertySymbols({ ...globalThis })).not.toContain(Symbol.for('splitrock.ambient'));
    setAmbientWorker({ ...ambient, version: 2 as never });
    expect(readAmbientWorker()).toBe(undefined);
  });
});
