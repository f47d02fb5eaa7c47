import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeKubeName, shortHash } from './kube-names.ts';

describe('a name for Kubernetes', () => {
  it.each([
    ['team-a', 'team-a'],
    ['a', 'a'],
    ['Team A', `team-a-h${shortHash('Team A')}`],
    ['-a-', `a-h${shortHash('-a-')}`],
    ['äöü', `x-h${shortHash('äöü')}`],
    ['', `x-h${shortHash('')}`],
    ['a'.repeat(64), `${'a'.repeat(51)}-h${shortHash('a'.repeat(64))}`],
    ['a-h0123456789', `a-h0123456789-h${shortHash('a-h0123456789')}`],
  ])('%j becomes %s', (text, name) => {
    expect(encodeKubeName(text)).toBe(name);
  });

  it('is a DNS label of at most the length asked for, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 13, max: 63 }), (text, maxLength) => {
        const name = encodeKubeName(text, maxLength);
        expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
        expect(name.length).toBeLessThanOrEqual(maxLength);
      }),
    );
  });

  it('differs for different texts, also when one is the name of the other', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const name = encodeKubeName(text);
        expect(name === text || encodeKubeName(name) !== name).toBe(true);
      }),
    );
  });
});
