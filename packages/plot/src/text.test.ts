import { describe, expect, it } from 'vitest';
import { duration, label, plural } from './text.ts';
import { colorGroups } from './color-groups.ts';
import { tabulate } from './call-table.ts';
import { call } from '../test/sample-records.ts';

it.each([
  [0.0004, '0.4 ms'],
  [0.84, '840 ms'],
  [12.345, '12.3 s'],
  [119.6, '120 s'],
  [245, '4 min 5 s'],
  [7_800, '2 h 10 min'],
  [360_000, '100 h 0 min'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

it('counts with separators and plurals', () => {
  expect([plural(1, 'call'), plural(1234567, 'call')]).toEqual(['1 call', '1,234,567 calls']);
});

it('shortens names in the middle', () => {
  expect([label('short', 10), label('worker-abcdef-17', 10)]).toEqual(['short', 'worke…f-17']);
});

describe('colours', () => {
  const jobs = (count: number, name: (index: number) => string) =>
    tabulate(Array.from({ length: count }, (_, index) => call(0, 1, { jobName: name(index) })));

  it('are the same for an outcome whatever others there are', () => {
    const all = colorGroups(tabulate([call(0, 1), call(0, 1, { outcome: 'lost' })]), 'outcome');
    const one = colorGroups(tabulate([call(0, 1, { outcome: 'lost' })]), 'outcome');
    expect(one.colors[0]).toBe(all.colors[all.names.indexOf('lost')]);
  });

  it('are different for up to eight jobs; then the rest shares one', () => {
    const eight = colorGroups(
      jobs(8, (index) => `job ${index}`),
      'job',
    );
    expect([new Set(eight.colors).size, eight.names.length]).toEqual([8, 8]);
    const twenty = colorGroups(
      jobs(20, (index) => `job ${index}`),
      'job',
    );
    expect(twenty.names.slice(-2)).toEqual(['job 6', '13 other jobs']);
    expect([twenty.groupOf(6), twenty.groupOf(7), twenty.groupOf(19)]).toEqual([6, 7, 7]);
  });

  it('keep jobs apart whose shortened names are equal', () => {
    const { names } = colorGroups(
      jobs(2, (index) => `${'a'.repeat(30)}${index}${'b'.repeat(30)}`),
      'job',
    );
    expect(new Set(names).size).toBe(2);
  });
});
