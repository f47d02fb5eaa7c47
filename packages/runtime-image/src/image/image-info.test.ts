import { describe, expect, it } from 'vitest';
import { MANIFEST_LABEL, labelsOf, type RuntimeManifest } from '../runtime-manifest.ts';
import { readImageInfo } from './image-info.ts';

const manifest: RuntimeManifest = {
  format: 1,
  splitrockVersion: '0.1.0',
  architecture: 'arm64',
  base: 'node:24-slim',
  nodeVersion: '24.21.0',
  plugins: { '@splitrock/storage-s3': '0.1.0' },
  packages: { sharp: '0.34.0' },
};
const config = { Labels: labelsOf(manifest), Env: ['PATH=/bin', 'NODE_VERSION=24.21.0', 'OPTIONS=--a=b'] };
const createdAt = '2026-11-24T03:00:14.369764075Z';
const docker = (Config: object): string =>
  JSON.stringify([{ Id: 'sha256:abc', Created: createdAt, Architecture: 'arm64', Size: 5, Config }]);
const buildah = (Config: object): string =>
  JSON.stringify({ FromImageID: 'abc', OCIv1: { created: createdAt, architecture: 'arm64', config: Config } });

describe('what is known of an image', () => {
  const environment = { PATH: '/bin', NODE_VERSION: '24.21.0', OPTIONS: '--a=b' };
  const common = { image: 'a:1', createdAt, architecture: 'arm64', environment, manifest };

  it('is the same from every builder', () => {
    expect(readImageInfo('a:1', docker(config))).toEqual({ ...common, id: 'sha256:abc', bytes: 5 });
    expect(readImageInfo('a:1', buildah(config))).toEqual({ ...common, id: 'abc' });
  });

  it.each([
    ['none', {}],
    ['null', { Labels: null, Env: null }],
    ['somebody else’s', { Labels: { maintainer: 'x' } }],
    ['of a format that is not known', { Labels: { [MANIFEST_LABEL]: JSON.stringify({ ...manifest, format: 2 }) } }],
    ['broken', { Labels: { [MANIFEST_LABEL]: '{' } }],
  ])('has no manifest where labels are %s', (_what, config) => {
    for (const text of [docker(config), buildah(config)]) expect(readImageInfo('a:1', text).manifest).toBe(undefined);
  });
});
