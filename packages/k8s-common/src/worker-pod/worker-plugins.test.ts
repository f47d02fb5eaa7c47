import { describe, expect, it } from 'vitest';
import { pluginsInImage } from './worker-plugins.ts';

const ref = (module: string, options: unknown = { url: 'redis://localhost' }) => ({ module, name: 'some', options });
const plugins = (module: string) => ({ backend: ref('own-backend'), storage: ref(module), monitoring: ref(module) });

describe('plugins in an image', () => {
  it('are named by their packages', () => {
    const module = import.meta.url;
    expect(pluginsInImage(plugins(module), {})).toEqual({
      backend: ref('own-backend'),
      storage: ref('@splitrock/k8s-common'),
      monitoring: ref('@splitrock/k8s-common'),
    });
  });

  it('take other options there where these are given', () => {
    const differing = { monitoring: { url: 'redis://redis.work.svc' } };
    const { storage, monitoring } = pluginsInImage(plugins('some-package'), differing);
    expect([storage.options, monitoring.options]).toEqual([
      { url: 'redis://localhost' },
      { url: 'redis://redis.work.svc' },
    ]);
  });

  it('may be further storages, each with options of its own', () => {
    const dataStorages = [ref(import.meta.url), { ...ref('other'), name: 'other' }];
    const made = pluginsInImage({ dataStorages }, { dataStorages: { other: { url: 'redis://there' } } });
    expect(made).toEqual({
      dataStorages: [ref('@splitrock/k8s-common'), { ...ref('other', { url: 'redis://there' }), name: 'other' }],
    });
  });

  it('are refused when they are no package', () => {
    expect(() => pluginsInImage(plugins('file:///nowhere/plugin.js'), {})).toThrow('belongs to no package');
  });
});
