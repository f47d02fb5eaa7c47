/** `splitrock config init`. */
import { configSchema, describeKeys, type KeyDescription } from '@splitrock/core';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CliContext } from '../cli-context.ts';

const FILE_NAME = 'splitrock.config.yaml';

/** Writes the file; refuses to overwrite one. */
export async function initConfig({ cwd, output }: CliContext): Promise<void> {
  const file = join(cwd, FILE_NAME);
  try {
    // `wx`: of a file that appears meanwhile nothing is lost either.
    await writeFile(file, commentedConfig(), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw Object.assign(new Error(`${file} exists already and is kept as it is; edit it, or remove it first.`), {
      code: 'FILE_EXISTS',
    });
  }
  output.line(`Wrote ${file}. \`splitrock config show --origin\` says what is in force.`);
}

/** Every key with its description and default, commented out: an untouched file changes nothing. */
export function commentedConfig(): string {
  const described = describeKeys(configSchema);
  const sections = new Set(described.filter(({ isSection }) => isSection).map(({ path }) => path.join('.')));
  // What lies in a key that may also be a plain value (`job.retries`) is told in its description.
  const keys = described.filter(
    ({ path }) => !isPluginSection(path) && (path.length === 1 || sections.has(path.slice(0, -1).join('.'))),
  );
  return [
    '# Configuration of Splitrock for this project. Every key is optional; what stands here lies over',
    '# ~/.config/splitrock/config.yaml and below SPLITROCK_* variables. See docs/configuration.md.',
    '# Secrets are referred to, never written: ${env:NAME} or ${file:/path}.',
    '',
    ...keys.flatMap((key) => [...comment(key), line(key), '']),
    '# Options of plugins, by the plugin’s name; those of the chosen ones are used. See docs/reference.',
    '# backends:',
    '#   localhost: { workerProcesses: 4 }',
    '# storages:',
    '#   s3: { bucket: my-bucket }',
    '',
  ].join('\n');
}

const isPluginSection = ([first = '']: readonly string[]): boolean =>
  ['backends', 'storages', 'monitorings'].includes(first);

const indentOf = ({ path }: KeyDescription): string => '  '.repeat(path.length - 1);

const comment = (key: KeyDescription): readonly string[] =>
  key.description === undefined ? [] : [`${indentOf(key)}# ${key.description}`];

/** A section with nothing in it says nothing, so it may stand there uncommented: uncommenting a key in it is enough. */
function line(key: KeyDescription): string {
  const name = key.path.at(-1) ?? '';
  return key.isSection
    ? `${indentOf(key)}${name}:`
    : `${indentOf(key)}# ${name}: ${JSON.stringify(key.default ?? null)}`;
}
