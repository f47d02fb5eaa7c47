/**
 * Writes docs/reference: a page per plugin and one for the configuration's own keys, from their schemas.
 *
 *     node --conditions=@splitrock/source tools/docs/reference.ts           writes the pages
 *     node --conditions=@splitrock/source tools/docs/reference.ts --check   says which are out of date, exit code 1
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { configSchema, describeKeys, type KeyDescription } from '@splitrock/core';
import type { AnyPlugin } from '@splitrock/core/plugin';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDER = join(ROOT, 'docs', 'reference');
const SECTIONS = { backend: 'backends', storage: 'storages', monitoring: 'monitorings' } as const;

// Defaults must be those of any machine, not of this one.
delete process.env['SPLITROCK_HOME'];

interface Page {
  readonly name: string;
  readonly text: string;
}

async function loadPlugins(): Promise<readonly AnyPlugin[]> {
  const folders = readdirSync(join(ROOT, 'packages')).filter((name) => /^(?:backend|storage|monitoring)-/.test(name));
  const files = folders
    .map((name) => join(ROOT, 'packages', name, 'src', 'plugin.ts'))
    .filter((file) => existsSync(file));
  const modules = await Promise.all(
    files.map((file) => import(pathToFileURL(file).href) as Promise<{ readonly plugin: AnyPlugin }>),
  );
  return modules.map(({ plugin }) => plugin);
}

function pluginPage(plugin: AnyPlugin): Page {
  const { kind, name, optionsSchema } = plugin;
  const keys = describeKeys(optionsSchema);
  const text = [
    `# Options of the ${kind} \`${name}\``,
    `They stand in the configuration under \`${SECTIONS[kind]}.${name}\`, and are used when \`${kind}: ${name}\` is chosen.`,
    keys.length === 0 ? 'It has none.' : keyTable(keys),
  ];
  return { name: `${kind}-${name}.md`, text: pageText(text) };
}

function configurationPage(plugins: readonly AnyPlugin[]): Page {
  const links = plugins.map(({ kind, name }) => `- [${kind} \`${name}\`](${kind}-${name}.md)`);
  const text = [
    '# Keys of the configuration',
    'Where they may stand, and how layers merge, is in [configuration](../configuration.md). Options of plugins:',
    links.join('\n'),
    keyTable(describeKeys(configSchema)),
  ];
  return { name: 'configuration.md', text: pageText(text) };
}

const pageText = (parts: readonly string[]): string =>
  ['<!-- Written by tools/docs/reference.ts from the schemas; edit those. -->', ...parts].join('\n\n') + '\n';

function keyTable(keys: readonly KeyDescription[]): string {
  const rows = keys.map((key) => [`\`${key.path.join('.')}\``, key.type, defaultText(key), key.description ?? '']);
  const lines = [['Key', 'Value', 'Default', 'Meaning'], ['---', '---', '---', '---'], ...rows];
  return lines
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`)
    .join('\n');
}

/** A default that depends on the machine is told in words, in the description. */
function defaultText(key: KeyDescription): string {
  if (key.required) return 'required';
  if (/\bDefault: /.test(key.description ?? '')) return 'see there';
  if (key.default === undefined) return '';
  return `\`${JSON.stringify(key.default).replaceAll(homedir(), '~')}\``;
}

function outdatedPages(pages: readonly Page[]): readonly string[] {
  const there = existsSync(FOLDER) ? readdirSync(FOLDER) : [];
  const stray = there.filter((name) => !pages.some((page) => page.name === name));
  const changed = pages.filter(
    ({ name, text }) => !there.includes(name) || readFileSync(join(FOLDER, name), 'utf8') !== text,
  );
  return [...stray, ...changed.map(({ name }) => name)];
}

function writePages(pages: readonly Page[]): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const { name, text } of pages) writeFileSync(join(FOLDER, name), text);
}

const plugins = await loadPlugins();
const pages = [configurationPage(plugins), ...plugins.map(pluginPage)];
if (process.argv.includes('--check')) {
  const outdated = outdatedPages(pages);
  for (const name of outdated)
    console.error(
      `docs/reference/${name} is out of date; run \`node --conditions=@splitrock/source tools/docs/reference.ts\`.`,
    );
  process.exitCode = outdated.length > 0 ? 1 : 0;
} else {
  writePages(pages);
}
