import { describe, expect, it } from 'vitest';
import { runtimeMismatch } from './runtime-mismatch.ts';

const client = { nodeVersion: '24.21.0', splitrockVersion: '0.2.1' };

describe('a worker’s runtime', () => {
  it.each([
    ['the same', { nodeVersion: '24.21.0', splitrockVersion: '0.2.1' }],
    ['another patch of both', { nodeVersion: '24.3.9', splitrockVersion: '0.2.7' }],
    ['a worker that tells no version of Splitrock', { nodeVersion: '24.21.0' }],
  ])('fits: %s', (_name, runtime) => {
    expect(runtimeMismatch(runtime, client)).toBeUndefined();
  });

  it.each([
    ['another major of Node', { nodeVersion: '22.5.0', splitrockVersion: '0.2.1' }, /Node 22\.5\.0.*24\.21\.0/],
    ['another minor of 0.x', { nodeVersion: '24.1.0', splitrockVersion: '0.3.0' }, /Splitrock 0\.3\.0.*0\.2\.1/],
    ['both', { nodeVersion: '26.0.0', splitrockVersion: '1.0.0' }, /Splitrock 1\.0\.0.*; .*Node 26\.0\.0/],
  ])('does not fit: %s', (_name, runtime, words) => {
    const told = runtimeMismatch(runtime, client);
    expect(told).toMatchObject({ severity: 'warning', code: 'RUNTIME_MISMATCH', details: { client, runtime } });
    expect(told?.message).toMatch(words);
    expect(told?.message).toContain('splitrock runtime build');
  });

  it('is compared with this process and this package when nothing else is said', () => {
    expect(runtimeMismatch({ nodeVersion: process.versions.node })).toBeUndefined();
    expect(runtimeMismatch({ nodeVersion: '1.0.0' })?.details).toMatchObject({
      client: { nodeVersion: process.versions.node, splitrockVersion: expect.stringMatching(/^\d+\.\d+\.\d+/) },
    });
  });
});
