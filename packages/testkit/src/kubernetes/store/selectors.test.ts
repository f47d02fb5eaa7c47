import { describe, expect, it } from 'vitest';
import { matchesLabels, parseLabelSelector, requirementsOf } from './selectors.ts';

describe('label selectors', () => {
  it.each([
    ['', {}, true],
    ['a=1', { a: '1' }, true],
    ['a==1', { a: '2' }, false],
    ['a!=1', {}, true],
    ['a in (1, 2),b', { a: '2', b: '' }, true],
    ['a notin (1,2)', { a: '1' }, false],
    ['!a', { a: '1' }, false],
    ['example.com/a=x-y_z.1', { 'example.com/a': 'x-y_z.1' }, true],
  ])('%j and %j: %j', (selector, labels, matches) => {
    expect(matchesLabels(parseLabelSelector(selector), labels)).toBe(matches);
  });

  it.each(['a b', 'a in 1', '=1', 'a=1=2'])('%j is refused', (selector) => {
    expect(() => parseLabelSelector(selector)).toThrow('unable to parse requirement');
  });

  it('as objects mean all of their parts', () => {
    const requirements = requirementsOf({
      matchLabels: { a: '1' },
      matchExpressions: [{ key: 'size', operator: 'Gt', values: ['5'] }],
    });
    expect(matchesLabels(requirements, { a: '1', size: '6' })).toBe(true);
    expect(matchesLabels(requirements, { a: '1', size: '5' })).toBe(false);
    expect(matchesLabels(requirements, { size: '6' })).toBe(false);
  });
});
