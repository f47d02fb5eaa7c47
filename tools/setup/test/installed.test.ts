import { describe, expect, test } from 'vitest';
import { adviceFor, isAtLeast, whyInstall } from '../installed.mjs';

const wanted = {
  packages: {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/only-on-windows': { version: '2.0.0', integrity: 'sha512-w', optional: true },
    'packages/own': { version: '0.1.0' },
  },
};
const installed = (changes: object) => ({
  packages: {
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'packages/own': { version: '0.1.0' },
    ...changes,
  },
});

describe('whyInstall', () => {
  test('asks for an install in a fresh clone, and after an interrupted one', () => {
    expect(whyInstall(wanted, undefined)).toBe('nothing is installed yet');
  });

  test('asks for none when everything is there but the packages of other platforms', () => {
    expect(whyInstall(wanted, installed({}))).toBeUndefined();
  });

  test.each([
    ['a missing package', { 'node_modules/a': undefined }, 'node_modules/a is missing'],
    [
      'another version',
      { 'node_modules/a': { version: '1.0.1', integrity: 'sha512-a' } },
      'node_modules/a is 1.0.1, not 1.0.0',
    ],
    [
      'other contents under the same version',
      { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-b' } },
      'node_modules/a has other contents than package-lock.json says',
    ],
    [
      'an optional package in another version',
      { 'node_modules/only-on-windows': { version: '1.9.0', integrity: 'sha512-w' } },
      'node_modules/only-on-windows is 1.9.0, not 2.0.0',
    ],
    ['a workspace that is not linked', { 'packages/own': undefined }, 'packages/own is missing'],
  ])('names %s', (_, changes, reason) => {
    expect(whyInstall(wanted, installed(changes))).toBe(reason);
  });
});

describe('isAtLeast', () => {
  test.each([
    ['v20.20.2', '20.19', true],
    ['v20.19.0', '20.19', true],
    ['v20.9.0', '20.19', false],
    ['v18.20.8', '20.19', false],
    ['24.21.0', '22.18.0', true],
  ])('%s against %s', (actual, minimum, answer) => {
    expect(isAtLeast(actual, minimum)).toBe(answer);
  });
});

describe('adviceFor', () => {
  test.each([
    ['npm error code ENOTFOUND', /network/],
    ['npm error code EUSAGE', /npm install/],
    ['npm error ENOSPC: no space left on device, write', /disk is full/],
    ['npm error code E403', /refuses access/],
    ['npm error something new', /What npm printed/],
  ])('%s', (output, advice) => {
    expect(adviceFor(output)).toMatch(advice);
  });
});
