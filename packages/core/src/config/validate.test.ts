import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ConfigOrigin } from './config-origin.ts';
import { formatProblem } from './config-problem.ts';
import { mapOf, mergeMaps, type ConfigMap } from './config-tree.ts';
import { validateNode } from './validate.ts';
import { readVariables } from './variable-layer.ts';

const schema = z.strictObject({
  workerProcesses: z.int().min(1).max(64).default(2),
  memoryMiB: z.number().positive().optional(),
  bucket: z.string().min(3).optional(),
  mode: z.enum(['fast', 'careful']).default('fast'),
  labels: z.record(z.string(), z.string()).default({}),
  password: z.string().optional(),
  pin: z
    .string()
    .meta({ secret: true })
    .regex(/^\d{4}$/)
    .optional(),
  tags: z.array(z.string()).min(1).optional(),
  image: z.strictObject({ name: z.string(), pull: z.boolean().default(false) }).optional(),
  size: z.union([z.literal('auto'), z.strictObject({ cpu: z.number(), gpu: z.number().optional() })]).default('auto'),
  port: z
    .int()
    .refine((port) => port !== 666, { error: 'Port 666 is reserved' })
    .optional(),
});

const file = (line: number): ConfigOrigin => ({ kind: 'file', file: '/p/splitrock.config.yaml', line });
const PATH = ['backends', 'localhost'];
const sources = { env: { PW: 'deep secret' }, cwd: '/p' };

async function check(node: ConfigMap): Promise<{ value: unknown; problems: readonly string[] }> {
  const { value, problems } = await validateNode({ node, path: PATH, schema, sources });
  return { value, problems: problems.map((problem) => formatProblem(problem, '/p')) };
}

const fromFile = (value: object): ConfigMap => mapOf(value, file(4));
const fromVariables = (env: Record<string, string>): ConfigMap => {
  const { node } = readVariables(env, ['backends']);
  const backends = node.entries.get('backends') as ConfigMap;
  return backends.entries.get('localhost') as ConfigMap;
};

describe('problems', () => {
  it.each([
    [
      'a misspelt key',
      { workerProceses: 4 },
      'workerProceses: unknown key (splitrock.config.yaml:4); did you mean workerProcesses?',
    ],
    [
      'a key of another section',
      { image: { name: 'a', pul: true } },
      'image.pul: unknown key (splitrock.config.yaml:4); did you mean pull?',
    ],
    [
      'a key within alternatives',
      { size: { cpu: 1, gp: 1 } },
      'size.gp: unknown key (splitrock.config.yaml:4); did you mean gpu?',
    ],
    [
      'what fits no alternative',
      { size: 5 },
      'size: must fit one of: must be auto; must be a section with keys, got 5 (splitrock.config.yaml:4)',
    ],
    [
      'a strange key',
      { image: { name: 'a', whatever: 1 } },
      'image.whatever: unknown key (splitrock.config.yaml:4); known keys: name, pull',
    ],
    ['too small a number', { workerProcesses: 0 }, 'workerProcesses: must be >= 1, got 0 (splitrock.config.yaml:4)'],
    ['too large a number', { workerProcesses: 65 }, 'workerProcesses: must be <= 64, got 65 (splitrock.config.yaml:4)'],
    ['a number that must not be 0', { memoryMiB: 0 }, 'memoryMiB: must be > 0, got 0 (splitrock.config.yaml:4)'],
    [
      'a fraction',
      { workerProcesses: 1.5 },
      'workerProcesses: must be a whole number, got 1.5 (splitrock.config.yaml:4)',
    ],
    [
      'a text for a number',
      { workerProcesses: 'many' },
      'workerProcesses: must be a number, got "many" (splitrock.config.yaml:4)',
    ],
    ['a number for a text', { bucket: 12 }, 'bucket: must be a text, got 12 (splitrock.config.yaml:4)'],
    ['a short text', { bucket: 'ab' }, 'bucket: must have >= 3 characters, got "ab" (splitrock.config.yaml:4)'],
    ['a text for a list', { tags: 'a' }, 'tags: must be a list, got "a" (splitrock.config.yaml:4)'],
    ['an empty list', { tags: [] }, 'tags: must have >= 1 entries, got an empty list (splitrock.config.yaml:4)'],
    ['a wrong list item', { tags: ['a', true] }, 'tags[1]: must be a text, got true (splitrock.config.yaml:4)'],
    [
      'a wrong choice',
      { mode: 'fats' },
      'mode: must be one of fast, careful, got "fats" (splitrock.config.yaml:4); did you mean fast?',
    ],
    ['a scalar for a section', { image: 'a' }, 'image: must be a section with keys, got "a" (splitrock.config.yaml:4)'],
    ['a schema’s own message', { port: 666 }, 'port: port 666 is reserved, got 666 (splitrock.config.yaml:4)'],
    ['a value in a free map', { labels: { a: 1 } }, 'labels.a: must be a text, got 1 (splitrock.config.yaml:4)'],
    [
      'a long text',
      { mode: 'x'.repeat(100) },
      `mode: must be one of fast, careful, got "${'x'.repeat(76)}... (splitrock.config.yaml:4)`,
    ],
  ])('%s', async (_case, value, expected) => {
    expect((await check(fromFile(value))).problems).toEqual([`backends.localhost.${expected}`]);
  });

  it('says how to set what is missing', async () => {
    expect((await check(fromFile({ image: {} }))).problems).toEqual([
      'backends.localhost.image.name: is required; set it in a configuration file or as SPLITROCK_BACKENDS__LOCALHOST__IMAGE__NAME',
    ]);
  });

  it('lists all at once, each with the origin of its own layer', async () => {
    const node = mergeMaps(
      fromFile({ workerProcesses: 0, mode: 'slow' }),
      fromVariables({ SPLITROCK_BACKENDS__LOCALHOST__BUCKET: 'a' }),
    );
    expect((await check(node)).problems).toEqual([
      'backends.localhost.workerProcesses: must be >= 1, got 0 (splitrock.config.yaml:4)',
      'backends.localhost.bucket: must have >= 3 characters, got "a" (SPLITROCK_BACKENDS__LOCALHOST__BUCKET)',
      'backends.localhost.mode: must be one of fast, careful, got "slow" (splitrock.config.yaml:4)',
    ]);
  });

  it('never shows a secret, by key, by schema or by reference', async () => {
    const { problems } = await check(fromFile({ password: ['hunter2'], pin: 'abcd', bucket: 5, mode: '${env:PW}' }));
    expect(problems).toEqual([
      'backends.localhost.bucket: must be a text, got 5 (splitrock.config.yaml:4)',
      'backends.localhost.mode: must be one of fast, careful, got "${env:PW}" (splitrock.config.yaml:4)',
      'backends.localhost.password: must be a text, got a list (splitrock.config.yaml:4)',
      'backends.localhost.pin: must match /^\\d{4}$/, got "<redacted>" (splitrock.config.yaml:4)',
    ]);
    expect(problems.join()).not.toMatch(/hunter2|abcd|deep/);
  });

  it('tells a reference that leads nowhere once', async () => {
    expect((await check(fromFile({ pin: '${env:NOPE}' }))).problems).toEqual([
      'backends.localhost.pin: the environment variable NOPE is not set (referenced as ${env:NOPE}) (splitrock.config.yaml:4)',
    ]);
  });
});

describe('values', () => {
  it('have defaults in place and references resolved', async () => {
    expect(await check(fromFile({ password: '${env:PW}' }))).toEqual({
      value: { workerProcesses: 2, mode: 'fast', labels: {}, password: 'deep secret', size: 'auto' },
      problems: [],
    });
  });

  it('of variables are texts where the schema wants texts', async () => {
    const { value } = await check(
      fromVariables({ SPLITROCK_BACKENDS__LOCALHOST__PASSWORD: '0123', SPLITROCK_BACKENDS__LOCALHOST__BUCKET: '1e3' }),
    );
    expect(value).toMatchObject({ password: '0123', bucket: '1e3' });
  });

  it('of variables get the schema’s spelling, and lie above files and below code', async () => {
    const name = 'SPLITROCK_BACKENDS__LOCALHOST__MEMORY_MIB';
    const variables = fromVariables({ [name]: '2' });
    expect((await check(mergeMaps(fromFile({ memoryMiB: 1 }), variables))).value).toMatchObject({ memoryMiB: 2 });
    const withCode = mergeMaps(
      mergeMaps(fromFile({ memoryMiB: 1 }), variables),
      mapOf({ memoryMiB: 3 }, { kind: 'code' }),
    );
    expect((await check(withCode)).value).toMatchObject({ memoryMiB: 3 });
    const codeOnly = mergeMaps(variables, mapOf({ memoryMiB: 3 }, { kind: 'code' }));
    expect((await check(codeOnly)).value).toMatchObject({ memoryMiB: 3 });
  });

  it('of a free map come whole, since a variable’s name cannot spell its keys', async () => {
    expect(
      (await check(fromVariables({ SPLITROCK_BACKENDS__LOCALHOST__LABELS: '{ Team/A: x }' }))).value,
    ).toMatchObject({ labels: { 'Team/A': 'x' } });
    expect((await check(fromVariables({ SPLITROCK_BACKENDS__LOCALHOST__LABELS__TEAM: 'x' }))).problems).toEqual([
      "backends.localhost.labels.team: the keys of this map cannot be told from a variable’s name (SPLITROCK_BACKENDS__LOCALHOST__LABELS__TEAM); give the whole map as its value: SPLITROCK_BACKENDS__LOCALHOST__LABELS='{name: value}'",
    ]);
  });
});
