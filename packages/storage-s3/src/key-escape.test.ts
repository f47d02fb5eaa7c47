import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeKey, unescapeKey } from './key-escape.ts';

const text = fc.string({ unit: fc.constantFrom('\0', '\u0001', '\u0002', 'a', 'é', '😀'), maxLength: 8 });

describe('escapeKey', () => {
  it.each([
    ['plain/key', 'plain/key'],
    ['a\0b', 'a\u0001\u0001b'],
    ['a\u0001b', 'a\u0001\u0002b'],
    ['\u0001\0', '\u0001\u0002\u0001\u0001'],
  ])('writes %j as %j', (key, escaped) => {
    expect(escapeKey(key)).toBe(escaped);
  });

  it('can be undone', () => {
    fc.assert(fc.property(text, (key) => unescapeKey(escapeKey(key)) === key && !escapeKey(key).includes('\0')));
  });

  it('keeps the order of keys and what begins with what', () => {
    fc.assert(
      fc.property(text, text, (left, right) => {
        const order = Buffer.compare(Buffer.from(escapeKey(left)), Buffer.from(escapeKey(right)));
        expect(order).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)));
        expect(escapeKey(left).startsWith(escapeKey(right))).toBe(left.startsWith(right));
      }),
    );
  });
});
