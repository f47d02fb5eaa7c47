import { describe, expect, it } from 'vitest';
import { formatProblem } from './config-problem.ts';
import { formatOrigin } from './config-origin.ts';
import { leavesOf, valueOf } from './config-tree.ts';
import { formatPath } from './config-path.ts';
import { parseConfigText } from './text-layer.ts';

const parse = (text: string) => {
  const { node, problems } = parseConfigText(text, '/project/splitrock.config.yaml');
  return { value: valueOf(node), node, problems: problems.map((problem) => formatProblem(problem, '/project')) };
};

describe('parseConfigText', () => {
  it('knows the line of every value', () => {
    const { node } = parse(
      '# mine\nbackend: k8s\nbackends:\n  k8s:\n    namespace: a\n    tolerations:\n      - key: x\n      - { key: y }\n',
    );
    expect(
      Array.from(
        leavesOf(node),
        ({ path, node: { origin } }) => `${formatPath(path)} ${formatOrigin(origin, '/project')}`,
      ),
    ).toEqual([
      'backend splitrock.config.yaml:2',
      'backends.k8s.namespace splitrock.config.yaml:5',
      'backends.k8s.tolerations[0].key splitrock.config.yaml:7',
      'backends.k8s.tolerations[1].key splitrock.config.yaml:8',
    ]);
  });

  it('reads JSON, also with tabs', () => {
    expect(parse('{\n\t"backend": "k8s",\n\t"job": {"retries": 2}\n}')).toMatchObject({
      value: { backend: 'k8s', job: { retries: 2 } },
      problems: [],
    });
  });

  it.each([
    ['an empty file', '', {}],
    ['a file of comments', '# nothing\n', {}],
    ['a file that says null', 'null', {}],
    ['a key with nothing after it', 'backends:\n  localhost:\n', { backends: {} }],
    ['an explicit null', 'job: { rateLimit: null }', { job: { rateLimit: null } }],
    ['an empty list item', 'a:\n  -\n  - 1\n', { a: [null, 1] }],
    ['an alias', 'a: &x { n: 1 }\nb: *x\n', { a: { n: 1 }, b: { n: 1 } }],
    ['a number as key', '1: x', { '1': 'x' }],
  ])('reads %s', (_case, text, expected) => {
    expect(parse(text)).toMatchObject({ value: expected, problems: [] });
  });

  it.each([
    ['a key twice', 'a: 1\na: 2\n', ['splitrock.config.yaml:2: Map keys must be unique']],
    ['a list as a whole', '- a\n', ['splitrock.config.yaml:1: must hold keys and values, like `backend: localhost`']],
    ['a text as a whole', 'hello', ['splitrock.config.yaml:1: must hold keys and values, like `backend: localhost`']],
    ['a complex key', 'a: 1\n[b, c]: 1\n', ['splitrock.config.yaml:2: keys must be plain names']],
    ['an unknown tag', 'a: !secret x\n', ['splitrock.config.yaml:1: Unresolved tag: !secret']],
    [
      'an alias to what holds it',
      'a: &x\n  b: *x\n',
      ['splitrock.config.yaml:2: the alias *x refers to itself or to nothing'],
    ],
    ['an open bracket', 'a: [1,\n', [expect.stringMatching(/^splitrock\.config\.yaml:2: .*\]/)]],
  ])('refuses %s, with its line', (_case, text, expected) => {
    expect(parse(text).problems).toEqual(expected);
  });
});
