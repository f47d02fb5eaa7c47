import { describe, expect, it } from 'vitest';
import { OutputLines } from './output-lines.ts';

describe('OutputLines', () => {
  it('gives whole lines, however the text is cut', () => {
    const lines: string[] = [];
    const output = new OutputLines((line) => lines.push(line));
    for (const piece of ['fir', 'st\nsec', 'ond\n\n  \nthi', 'rd']) output.push(piece);
    expect(lines).toEqual(['first', 'second']);
    expect(output.tail).toBe('first\nsecond\n\n  \nthird');
  });

  it('keeps only the end of endless output, with and without line breaks', () => {
    const output = new OutputLines(() => undefined);
    for (let index = 0; index < 100; index += 1) output.push('x'.repeat(1_000));
    output.push('the end');
    expect(output.tail.length).toBe(4_096);
    expect(output.tail.endsWith('the end')).toBe(true);
  });
});
