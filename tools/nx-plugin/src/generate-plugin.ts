/** Begins a plugin in `packages/`, from the templates that strangers get as `npm create splitrock-plugin`. */
import { join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PluginKind, PluginSpec } from 'create-splitrock-plugin';
import { format, resolveConfig } from 'prettier';
import type { FileTree } from './file-tree.ts';

export interface GeneratorOptions {
  readonly name: string;
}

export interface GeneratedPlugin extends PluginSpec {
  /** Relative to the repository. */
  readonly folder: string;
}

/** Lists of our plugins' names that a new one is added to. */
const NAME_LISTS = ['packages/core/src/plugins/plugin-names.ts', 'packages/create-splitrock-plugin/src/plugin-spec.ts'];

/** @throws Error with all that is wrong with the name. */
export async function generatePlugin(
  tree: FileTree,
  kind: PluginKind,
  { name }: GeneratorOptions,
): Promise<GeneratedPlugin> {
  const { problemsOf, renderPlugin } = await loadTemplates();
  const folder = `packages/${kind}-${name}`;
  const spec: PluginSpec = { kind, name, packageName: `@splitrock/${kind}-${name}` };
  const problems = [
    ...problemsOf(spec),
    ...(tree.exists(`${folder}/package.json`) ? [`The package ${folder} is there already.`] : []),
  ];
  if (problems.length > 0) throw new Error(problems.join('\n'));
  for (const { path, text } of renderPlugin(spec, 'repository')) {
    await write(tree, posix.join(folder, path), text);
  }
  for (const list of NAME_LISTS) await addName(tree, list, spec);
  const changeset = `---\n'${spec.packageName}': minor\n---\n\nThe ${kind} \`${name}\`.\n`;
  await write(tree, `.changeset/${kind}-${name}.md`, changeset);
  return { ...spec, folder };
}

/** From its sources, because nothing is built when a generator runs; nx knows no export conditions. */
async function loadTemplates(): Promise<typeof import('create-splitrock-plugin')> {
  const sources = join(import.meta.dirname, '../../../packages/create-splitrock-plugin/src/index.ts');
  return (await import(pathToFileURL(sources).href)) as typeof import('create-splitrock-plugin');
}

async function addName(tree: FileTree, path: string, { kind, name }: PluginSpec): Promise<void> {
  const before = tree.read(path, 'utf8') ?? '';
  const after = before.replace(new RegExp(`^(  ${kind}: \\[[^\\]]*)\\]`, 'm'), `$1, '${name}']`);
  if (after === before) throw new Error(`${path} has no list of the names of ${kind} plugins any more.`);
  await write(tree, path, after);
}

/** Formatted as the repository is: names have different lengths, and lines end elsewhere. */
async function write(tree: FileTree, path: string, text: string): Promise<void> {
  const filepath = join(tree.root, path);
  const hasParser = /\.(?:ts|json|md)$/.test(path);
  tree.write(path, hasParser ? await format(text, { ...(await resolveConfig(filepath)), filepath }) : text);
}
