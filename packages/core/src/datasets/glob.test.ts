import { describe, expect, it } from 'vitest';
import { isPattern, parseGlob } from './glob.ts';

describe('a pattern', () => {
  it.each<[string, string[], string[]]>([
    ['dir/*.csv', ['dir/a.csv', 'dir/.csv', 'dir/a.b.csv'], ['dir/a/b.csv', 'dir/a.csvx', 'x/dir/a.csv', 'dir/acsv']],
    ['dir/**', ['dir/a', 'dir/a/b', 'dir/'], ['dir', 'other/a']],
    ['dir/**/*.csv', ['dir/a.csv', 'dir/a/b.csv', 'dir/a/b/c.csv'], ['dir/a.txt', 'a.csv', 'dirx/a.csv']],
    ['**/a', ['a', 'x/a', 'x/y/a'], ['xa', 'a/x']],
    ['a**b', ['ab', 'axb', 'a/x/b'], ['a', 'abx']],
    ['a?c', ['abc', 'aäc', 'a😀c'], ['ac', 'abbc', 'a/c']],
    ['[a-c]1', ['a1', 'b1', 'c1'], ['d1', '-1', 'A1']],
    ['[!a-c]1', ['d1', '-1'], ['a1', '/1']],
    ['[]x]', [']', 'x'], ['[']],
    ['[^]x]', ['a'], [']', 'x']],
    ['[a^\\]', ['a', '^', '\\'], ['b']],
    ['{a,bc}.txt', ['a.txt', 'bc.txt'], ['b.txt', 'a,bc.txt', '{a,bc}.txt']],
    ['{a,{b,c}d}', ['a', 'bd', 'cd'], ['b', 'd']],
    ['a,b}', ['a,b}'], []],
    ['\\*\\?\\[\\{\\\\', ['*?[{\\'], ['a?[{\\']],
    ['a.b+(c)^$|', ['a.b+(c)^$|'], ['axb+(c)^$|']],
    ['line\nbreak*', ['line\nbreak\n'], ['line break']],
  ])('%s', (pattern, matching, others) => {
    const glob = parseGlob(pattern);
    expect(matching.filter((text) => !glob.matches(text))).toEqual([]);
    expect(others.filter((text) => glob.matches(text))).toEqual([]);
  });

  it.each([
    ['data/2026-*.csv', 'data/2026-'],
    ['*', ''],
    ['a\\*b*', 'a*b'],
    ['a{b,c}', 'a'],
    ['plain', 'plain'],
  ])('%s begins with %j', (pattern, prefix) => {
    expect(parseGlob(pattern).literalPrefix).toBe(prefix);
  });

  it.each(['{a,b', 'a[b', '[!', '[z-a]'])('%s is refused', (pattern) => {
    expect(() => parseGlob(pattern)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }));
  });

  it.each([
    ['a/b.csv', false],
    ['a/*.csv', true],
    ['a\\*', true],
    ['a}b]', false],
  ])('%s is one: %s', (text, expected) => {
    expect(isPattern(text)).toBe(expected);
  });
});
