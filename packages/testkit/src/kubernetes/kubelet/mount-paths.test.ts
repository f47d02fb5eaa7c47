import { describe, expect, it } from 'vitest';
import { expand } from './environment.ts';
import { fillInMountPaths } from './mount-paths.ts';

const MOUNTS = { '/etc/app': '/real/app', '/etc/app/extra': '/real/extra', '/tmp': '/real/tmp' };

describe('mount paths in variables and arguments', () => {
  it.each([
    ['/etc/app', '/real/app'],
    ['/etc/app/config.json', '/real/app/config.json'],
    ['/etc/app/extra/x', '/real/extra/x'],
    ['/etc/apple', '/etc/apple'],
    ['/var/etc/app', '/var/etc/app'],
    ['--config=/etc/app/a,/etc/app/b', '--config=/real/app/a,/real/app/b'],
    ['file:///etc/app/a', 'file:///real/app/a'],
    ['PATH=/usr/bin:/tmp', 'PATH=/usr/bin:/real/tmp'],
    ['https://example.com/tmp', 'https://example.com/tmp'],
  ])('%s becomes %s', (text, expected) => {
    expect(fillInMountPaths(text, MOUNTS)).toBe(expected);
  });
});

describe('references to variables', () => {
  it.each([
    ['$(A)-$(A)', '1-1'],
    ['$(NONE)', '$(NONE)'],
    ['$$(A)', '$(A)'],
    ['$A', '$A'],
    ['$$$(A)', '$1'],
  ])('%s becomes %s', (text, expected) => {
    expect(expand(text, { A: '1' })).toBe(expected);
  });
});
