import { describe, expect, it } from 'vitest';
import { formatNodeSpec, parseNodeSpec, parseNodeSpecs } from '../src/node-spec.ts';

describe('a node’s specification', () => {
  it('is name, CPUs and memory, and is written as it is read', () => {
    expect(parseNodeSpec('node-a:8:16Gi')).toEqual({ name: 'node-a', cpu: '8', memory: '16Gi' });
    for (const text of ['a:500m:512Mi', 'node-1:128:512Gi']) expect(formatNodeSpec(parseNodeSpec(text))).toBe(text);
  });

  it.each([
    '',
    'node-a',
    'node-a:8',
    'node-a:8:8',
    'Node:8:8Gi',
    'node-a:-1:8Gi',
    '-a:1:1Gi',
    'a/b:1:1Gi',
    'a:1:1Gi:x',
  ])('is not %j', (text) => expect(() => parseNodeSpec(text)).toThrow('NAME:CPUS:MEMORY'));

  it('stands among others with blanks or commas between, each with a name of its own', () => {
    const names = (text: string): string[] => parseNodeSpecs(text).map(({ name }) => name);
    expect(names('a:1:1Gi, b:2:2Gi\nc:3:3Gi')).toEqual(['a', 'b', 'c']);
    expect(() => parseNodeSpecs('a:1:1Gi a:2:2Gi')).toThrow('two nodes are called a');
    expect(() => parseNodeSpecs(' ')).toThrow('needs a node');
  });
});
