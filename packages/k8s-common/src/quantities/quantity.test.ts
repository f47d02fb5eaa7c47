import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuMillis, formatBytes, formatCpu, isQuantity, parseQuantity, wholeUnits } from './quantity.ts';

const NANOS = 1_000_000_000n;

describe('a quantity', () => {
  it.each<[string, bigint]>([
    ['0', 0n],
    ['1', NANOS],
    ['+1', NANOS],
    ['-1', -NANOS],
    ['1.', NANOS],
    ['.5', NANOS / 2n],
    ['250m', 250_000_000n],
    ['0.1', 100_000_000n],
    ['100n', 100n],
    ['1u', 1_000n],
    ['1k', 1_000n * NANOS],
    ['1Ki', 1_024n * NANOS],
    ['1.5Gi', 1_610_612_736n * NANOS],
    ['1e3', 1_000n * NANOS],
    ['1E3', 1_000n * NANOS],
    ['1e-3', 1_000_000n],
    ['1E', 10n ** 18n * NANOS],
    ['1Ei', 1024n ** 6n * NANOS],
    ['0.0000000001', 1n],
    ['1.0000000001', NANOS + 1n],
  ])('%s is read exactly', (text, nanos) => {
    expect(parseQuantity(text)).toBe(nanos);
  });

  it.each(['', ' 1', '1 ', '1K', '1ki', '1gi', '1.2.3', 'e3', '1e', 'm', '--1', '1Gib', '١'])(
    '%j is refused',
    (text) => {
      expect(isQuantity(text)).toBe(false);
      expect(() => parseQuantity(text)).toThrow('quantity');
    },
  );

  it('counts up as a request and down as room', () => {
    expect([cpuMillis('1.0001'), cpuMillis('1.0001', 'down')]).toEqual([1001, 1000]);
    expect([wholeUnits('100m'), wholeUnits('100m', 'down')]).toEqual([1, 0]);
    expect([wholeUnits('-100m'), wholeUnits('-100m', 'down')]).toEqual([0, -1]);
  });

  it.each([
    [0, '0'],
    [1, '1m'],
    [1500, '1500m'],
    [2000, '2'],
  ])('%d thousandths of a CPU are written %s', (millis, text) => {
    expect(formatCpu(millis)).toBe(text);
  });

  it.each([
    [0, '0'],
    [1, '1'],
    [1024, '1Ki'],
    [1536, '1536'],
    [1_610_612_736, '1536Mi'],
    [2 ** 40, '1Ti'],
  ])('%d bytes are written %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10_000_000 }), fc.maxSafeNat(), (millis, bytes) => {
        expect(cpuMillis(formatCpu(millis))).toBe(millis);
        expect(cpuMillis(formatCpu(millis), 'down')).toBe(millis);
        expect(wholeUnits(formatBytes(bytes))).toBe(bytes);
      }),
    );
  });

  it('has one value whatever the suffix', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000 }), (number) => {
        expect(parseQuantity(`${number}k`)).toBe(parseQuantity(`${number}e3`));
        expect(parseQuantity(`${number}Ki`)).toBe(parseQuantity(`${number}`) * 1024n);
        expect(parseQuantity(`${number}m`) * 1000n).toBe(parseQuantity(`${number}`));
      }),
    );
  });
});
