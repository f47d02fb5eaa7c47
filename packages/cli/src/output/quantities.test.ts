import { expect, it } from 'vitest';
import { count, formatBytes, formatDuration, formatMoment, parseDuration } from './quantities.ts';

it.each([
  [0, '0 B'],
  [1, '1 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [10 * 1024, '10 KiB'],
  [1024 ** 3, '1.0 GiB'],
  [5 * 1024 ** 5, '5120 TiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([
  [0.4, '0 ms'],
  [999, '999 ms'],
  [1_000, '1.0 s'],
  [59_000, '59 s'],
  [60_000, '1 m'],
  [3_600_000, '60 m'],
  [2 * 3_600_000, '2 h'],
  [47 * 3_600_000, '47 h'],
  [48 * 3_600_000, '2 d'],
])('%d ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

it.each([
  ['90s', 90_000],
  ['1.5h', 5_400_000],
  ['7d', 604_800_000],
  [' 2 w ', 1_209_600_000],
  ['250ms', 250],
  ['7', undefined],
  ['d', undefined],
  ['-1d', undefined],
  ['1d2h', undefined],
])('%s is %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it('tells moments in UTC and counts things', () => {
  expect(formatMoment(0)).toBe('1970-01-01 00:00:00');
  expect([count(0, 'job'), count(1, 'job'), count(2, 'job')]).toEqual(['0 jobs', '1 job', '2 jobs']);
});
