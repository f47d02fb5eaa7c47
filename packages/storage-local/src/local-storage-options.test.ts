import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { localStorageOptionsSchema } from './local-storage-options.ts';

afterEach(() => vi.unstubAllEnvs());

describe('localStorageOptionsSchema', () => {
  it('puts objects under the home folder by default', () => {
    vi.stubEnv('SPLITROCK_HOME', undefined);
    expect(localStorageOptionsSchema.parse({})).toEqual({
      directory: join(homedir(), '.splitrock', 'storage'),
      durable: false,
      fileSystem: 'local',
      pollIntervalMs: 500,
    });
  });

  it('heeds SPLITROCK_HOME', () => {
    vi.stubEnv('SPLITROCK_HOME', '/data/splitrock');
    expect(localStorageOptionsSchema.parse({}).directory).toBe('/data/splitrock/storage');
  });

  it('makes the directory absolute, so that workers elsewhere on this machine find it', () => {
    expect(localStorageOptionsSchema.parse({ directory: 'data' }).directory).toBe(resolve('data'));
  });

  it.each([{ directory: '' }, { directroy: '/x' }, { pollIntervalMs: 1 }, { durable: 'yes' }, { fileSystem: 'tape' }])(
    'refuses %j',
    (options) => {
      expect(localStorageOptionsSchema.safeParse(options).success).toBe(false);
    },
  );
});
