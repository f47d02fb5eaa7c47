import { expect, it } from 'vitest';
import { z } from 'zod';
import { describeKeys } from './describe-keys.ts';

it('describes every key in words, sections before what they hold', () => {
  const schema = z.strictObject({
    bucket: z.string().describe('Where.'),
    parts: z.int().min(1).max(64).default(4),
    ratio: z.number().positive().lt(1).optional(),
    mode: z.enum(['fast', 'careful']).default('fast'),
    tags: z.array(z.string()).default([]),
    labels: z.record(z.string(), z.string()).optional(),
    limit: z.number().nullable().default(null),
    plugin: z.union([z.string(), z.custom<object>()]).optional(),
    login: z.strictObject({ user: z.string(), password: z.string().meta({ secret: true }).optional() }).optional(),
    retries: z.union([z.int().min(0), z.strictObject({ attempts: z.int().min(1) })]).default(0),
  });
  const told = describeKeys(schema).map(({ path, type, default: value, required, secret, isSection }) => {
    const marks = [required ? 'required' : '', secret ? 'secret' : '', isSection ? 'section' : '']
      .filter(Boolean)
      .join(' ');
    return `${path.join('.')}: ${type} = ${JSON.stringify(value) ?? '-'} ${marks}`.trimEnd();
  });
  expect(told).toEqual([
    'bucket: text = - required',
    'parts: whole number >= 1 and <= 64 = 4',
    'ratio: number > 0 and < 1 = -',
    'mode: one of fast, careful = "fast"',
    'tags: list of text = []',
    'labels: map of text = -',
    'limit: number or null = null',
    'plugin: text = -',
    'login: section = - section',
    'login.user: text = - required',
    'login.password: text = - secret',
    'retries: whole number >= 0 or section = 0',
    'retries.attempts: whole number >= 1 = - required',
  ]);
});
