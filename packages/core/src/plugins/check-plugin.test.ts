import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isSplitrockError } from '../errors/splitrock-error.ts';
import { checkPlugin } from './check-plugin.ts';

const storage = {
  kind: 'storage',
  name: 'my-store',
  apiVersion: 1,
  optionsSchema: z.strictObject({}),
  createStorage: () => undefined,
};
const backend = { ...storage, kind: 'backend', createBackend: () => undefined, createCallSource: () => undefined };
const monitoring = {
  ...storage,
  kind: 'monitoring',
  createPublisher: () => undefined,
  createSubscriber: () => undefined,
};

describe('checkPlugin', () => {
  it.each([
    ['storage', storage],
    ['backend', backend],
    ['monitoring', monitoring],
  ] as const)('takes a %s', (kind, plugin) => {
    expect(checkPlugin(kind, plugin, 'x.ts')).toBe(plugin);
  });

  it.each([
    [
      'nothing',
      undefined,
      'PLUGIN_INVALID',
      'The storage plugin is broken: its module has no export `plugin` that is a plugin descriptor [member=plugin, source=x.ts]; see docs/authoring.',
    ],
    [
      'another kind',
      backend,
      'PLUGIN_INVALID',
      'The storage plugin `my-store` is broken: it is a plugin of kind backend, not storage [member=kind, source=x.ts]; see docs/authoring.',
    ],
    [
      'no name',
      { ...storage, name: undefined },
      'PLUGIN_INVALID',
      'The storage plugin is broken: `name` must be kebab-case (a-z, 0-9, single dashes), got undefined [member=name, source=x.ts]; see docs/authoring.',
    ],
    [
      'a name that is no name',
      { ...storage, name: 'My_Store' },
      'PLUGIN_INVALID',
      'The storage plugin `My_Store` is broken: `name` must be kebab-case (a-z, 0-9, single dashes), got "My_Store" [member=name, source=x.ts]; see docs/authoring.',
    ],
    [
      'no schema',
      { ...storage, optionsSchema: {} },
      'PLUGIN_INVALID',
      'The storage plugin `my-store` is broken: `optionsSchema` must be a zod schema [member=optionsSchema, source=x.ts]; see docs/authoring.',
    ],
    [
      'no factory',
      { ...storage, createStorage: 1 },
      'PLUGIN_INVALID',
      'The storage plugin `my-store` is broken: `createStorage` must be a function [member=createStorage, source=x.ts]; see docs/authoring.',
    ],
    [
      'no version',
      { ...storage, apiVersion: '1' },
      'PLUGIN_INVALID',
      'The storage plugin `my-store` is broken: `apiVersion` must be a number [member=apiVersion, source=x.ts]; see docs/authoring.',
    ],
    [
      'a newer version',
      { ...storage, apiVersion: 2 },
      'PLUGIN_API_VERSION',
      'The storage plugin `my-store` was written for version 2 of the plugin contracts; this is version 1 [member=apiVersion, source=x.ts]; update splitrock, or install an older version of the plugin.',
    ],
    [
      'an older version',
      { apiVersion: 0, name: 'old' },
      'PLUGIN_API_VERSION',
      'The storage plugin `old` was written for version 0 of the plugin contracts; this is version 1 [member=apiVersion, source=x.ts]; update the plugin.',
    ],
  ])('refuses %s', (_case, candidate, code, message) => {
    const thrown = ((): unknown => {
      try {
        return checkPlugin('storage', candidate, 'x.ts');
      } catch (error) {
        return error;
      }
    })();
    expect(isSplitrockError(thrown) && [thrown.code, thrown.message]).toEqual([code, message]);
  });
});
