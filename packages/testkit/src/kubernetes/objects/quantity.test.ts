import { describe, expect, it } from 'vitest';
import { formatUnits, isQuantity, parseQuantity, toUnits } from './quantity.ts';

describe('quantities', () => {
  it.each([
    ['1', 1],
    ['100m', 0.1],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['2Gi', 2 * 2 ** 30],
    ['2G', 2e9],
    ['1e3', 1000],
    ['-1', -1],
    ['500n', 5e-7],
  ])('%s is %d', (text, value) => {
    expect(parseQuantity(text)).toBeCloseTo(value, 12);
  });

  it.each(['', 'lots', '1 Gi', '1GB', 'Gi', '0x10', '1..2'])('%j is none', (text) => {
    expect(isQuantity(text)).toBe(false);
    expect(() => parseQuantity(text)).toThrow('is not a quantity');
  });

  it('are added up without drifting, and printed as the API prints sums', () => {
    const tenth = toUnits('cpu', '100m');
    expect(formatUnits('requests.cpu', tenth * 3)).toBe('300m');
    expect(formatUnits('cpu', tenth * 10)).toBe('1');
    expect(formatUnits('memory', toUnits('memory', '512Mi') * 3)).toBe('1536Mi');
    expect(formatUnits('pods', 3)).toBe('3');
    expect(toUnits('cpu', '1n')).toBe(1);
  });
});
