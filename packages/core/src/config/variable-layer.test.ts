import { describe, expect, it } from 'vitest';
import { formatProblem } from './config-problem.ts';
import { valueOf } from './config-tree.ts';
import { pathOfVariable, readVariables, variableOfPath } from './variable-layer.ts';

const ROOT_KEYS = ['tenant', 'backend', 'logLevel', 'backends', 'storages', 'job'];
const read = (env: Record<string, string>) => {
  const { node, problems } = readVariables(env, ROOT_KEYS);
  return { value: valueOf(node), problems: problems.map((problem) => formatProblem(problem, '/')) };
};

describe('names of variables', () => {
  it.each([
    ['SPLITROCK_BACKEND', ['backend']],
    ['SPLITROCK_LOG_LEVEL', ['logLevel']],
    ['SPLITROCK_JOB__TIMEOUT_MS', ['job', 'timeoutMs']],
    ['SPLITROCK_BACKENDS__LOCALHOST__WORKER_PROCESSES', ['backends', 'localhost', 'workerProcesses']],
    ['SPLITROCK_BACKENDS__K8S_RABBITMQ__MAX_WORKERS', ['backends', 'k8s-rabbitmq', 'maxWorkers']],
    ['SPLITROCK_NOTHING', undefined],
    ['SPLITROCK_JOB__', undefined],
  ])('%s is %j', (name, path) => {
    expect(pathOfVariable(name, ROOT_KEYS)).toEqual(path);
    if (path !== undefined) expect(variableOfPath(path)).toBe(name);
  });
});

describe('values of variables', () => {
  it.each([
    ['a whole number', '12', 12],
    ['a fraction', '1.5', 1.5],
    ['true', 'true', true],
    ['null', 'null', null],
    ['a text', 'hello world', 'hello world'],
    ['quoted digits', '"12"', '12'],
    ['an empty quoted text', "''", ''],
    ['a list', '[a, 2]', ['a', 2]],
    ['a map', '{ a: 1, b: [x] }', { a: 1, b: ['x'] }],
    ['a text with a colon', 'a: b', 'a: b'],
    ['a text with a hash', 'pass #word', 'pass #word'],
    ['a text with only a hash', '#word', '#word'],
    ['what looks like an alias', '*star', '*star'],
    ['what looks like an anchor', '&and', '&and'],
    ['what looks like a tag', '!tag', '!tag'],
    ['a broken list', '[a', '[a'],
    ['a URL', 'amqp://user:p%40ss@host/vhost', 'amqp://user:p%40ss@host/vhost'],
    ['several lines', 'a\nb', 'a\nb'],
    ['a block scalar', '|\n  a\n', '|\n  a\n'],
    ['a block list', '- a\n- b', '- a\n- b'],
  ])('%s', (_case, text, expected) => {
    expect(read({ SPLITROCK_JOB__X: text })).toEqual({ value: { job: { x: expected } }, problems: [] });
  });

  it('ignores empty ones, others’ and those with a meaning of their own', () => {
    const env = {
      SPLITROCK_BACKEND: '',
      SPLITROCK_CONFIG: 'a',
      SPLITROCK_HOME: 'b',
      SPLITROCK_TEST_X: '1',
      SPLITROCK_E2E_Y: '1',
      PATH: 'x',
    };
    expect(read(env)).toEqual({ value: {}, problems: [] });
  });

  it('merges several into one section', () => {
    expect(read({ SPLITROCK_JOB__A: '1', SPLITROCK_JOB__B: '2', SPLITROCK_TENANT: 'me' }).value).toEqual({
      job: { a: 1, b: 2 },
      tenant: 'me',
    });
  });

  it('refuses unknown ones, with a suggestion', () => {
    expect(
      read({ SPLITROCK_BAKENDS__LOCALHOST__X: '1', SPLITROCK_WHATEVER: '1', SPLITROCK_CONFG: 'x' }).problems,
    ).toEqual([
      'SPLITROCK_BAKENDS__LOCALHOST__X: unknown variable; did you mean SPLITROCK_BACKENDS__LOCALHOST__X?',
      'SPLITROCK_CONFG: unknown variable; did you mean SPLITROCK_CONFIG?',
      'SPLITROCK_WHATEVER: unknown variable',
    ]);
  });
});
