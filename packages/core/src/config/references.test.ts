import { describe, expect, it } from 'vitest';
import type { ConfigOrigin } from './config-origin.ts';
import { formatProblem } from './config-problem.ts';
import { nodeOf, valueOf } from './config-tree.ts';
import { escapeReferences, hasReference, resolveReferences } from './references.ts';

const files: Record<string, string> = {
  '/run/secret': 's3cret\n',
  '/project/token': 'tok',
  '/elsewhere/token': 'other\r\n',
};
const sources = {
  env: { PASSWORD: 'p@ss', EMPTY: '' },
  cwd: '/elsewhere',
  readFile(path: string): string {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' });
    return text;
  },
};
const inFile: ConfigOrigin = { kind: 'file', file: '/project/splitrock.config.yaml', line: 3 };
const resolve = (value: unknown, origin: ConfigOrigin = inFile) => {
  const { node, problems } = resolveReferences(nodeOf(value, origin), ['storages', 's3'], sources);
  return { value: valueOf(node), problems: problems.map((problem) => formatProblem(problem, '/project')) };
};

describe('resolveReferences', () => {
  it.each([
    ['a variable', '${env:PASSWORD}', 'p@ss'],
    ['an empty variable', '${env:EMPTY}', ''],
    ['a file, without its last newline', '${file:/run/secret}', 's3cret'],
    ['a file beside the configuration file', '${file:token}', 'tok'],
    ['several in one text', 'amqp://u:${env:PASSWORD}@h/${file:token}', 'amqp://u:p@ss@h/tok'],
    ['an escaped one', '$${env:PASSWORD}', '${env:PASSWORD}'],
    ['what only looks like one', '${name} $x {y}', '${name} $x {y}'],
  ])('replaces %s', (_case, text, expected) => {
    expect(resolve({ a: [text] })).toEqual({ value: { a: [expected] }, problems: [] });
  });

  it('does not look for references in what a reference led to', () => {
    files['/run/nested'] = '${env:PASSWORD}';
    expect(resolve('${file:/run/nested}').value).toBe('${env:PASSWORD}');
  });

  it('takes escaped values for what they are', () => {
    const value = { password: '${env:PASSWORD}', list: ['$${x', '${', 'a'], n: 1 };
    expect(resolve(escapeReferences(value))).toEqual({ value, problems: [] });
  });

  it('tells relative files of variables and code from the working directory', () => {
    expect(resolve('${file:token}', { kind: 'code' }).value).toBe('other');
  });

  it('reports what leads nowhere, by path, without a value', () => {
    const { problems } = resolve({ a: '${env:NOPE}', b: '${file:/no}', c: '${vault:x}' });
    expect(problems).toEqual([
      'storages.s3.a: the environment variable NOPE is not set (referenced as ${env:NOPE}) (splitrock.config.yaml:3)',
      'storages.s3.b: the file /no cannot be read: ENOENT (referenced as ${file:/no}) (splitrock.config.yaml:3)',
      'storages.s3.c: unknown kind of reference vault; there are env and file (referenced as ${vault:x}) (splitrock.config.yaml:3)',
    ]);
  });

  it.each([
    ['${env:A}', true],
    ['x${file:/a}', true],
    ['$${env:A}', false],
    ['${A}', false],
  ])('knows whether %s has a reference: %s', (text, expected) => {
    expect(hasReference(text)).toBe(expected);
  });
});
