/** The files of a new plugin, from one set of templates for packages anywhere and for those of Splitrock's own repository. */
import { readFileSync } from 'node:fs';
import { manifestOf, type Setting } from './manifest.ts';
import type { PluginKind, PluginSpec } from './plugin-spec.ts';
import { compilerProjects } from './compiler-projects.ts';
import { fillTemplate, type Words } from './template.ts';

/** A file of a new package. */
export interface RenderedFile {
  /** Below the package's folder, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** What a kind is for, in a sentence that begins with a verb. */
const PURPOSE: Readonly<Record<PluginKind, string>> = {
  backend: 'runs the calls of jobs',
  storage: 'keeps the functions, inputs and results of jobs',
  monitoring: 'carries status from workers to the client',
};

export const SECTIONS: Readonly<Record<PluginKind, string>> = {
  backend: 'backends',
  storage: 'storages',
  monitoring: 'monitorings',
};

/** Sources of a kind beside those that every plugin has: the template, and what the file is called after the name. */
const SOURCES: Readonly<Record<PluginKind, readonly (readonly [template: string, ending: string])[]>> = {
  backend: [
    ['backend', '-backend'],
    ['call-source', '-call-source'],
  ],
  storage: [
    ['client', '-client'],
    ['storage', '-storage'],
  ],
  monitoring: [
    ['writer', '-log-writer'],
    ['reader', '-log-reader'],
  ],
};

/**
 * Renders a package.
 * @param setting - `standalone` for a package of its own anywhere; `repository` for one in `packages/` of Splitrock.
 */
export function renderPlugin(spec: PluginSpec, setting: Setting): readonly RenderedFile[] {
  const { kind, name } = spec;
  const words = wordsOf(spec, setting);
  const source = (template: string, path: string): RenderedFile => ({ path, text: fillTemplate(template, words) });
  const test = `${name}-${kind}.conformance.test.ts`;
  return [
    { path: 'package.json', text: json(manifestOf(spec, setting)) },
    ...compilerProjects(setting).map(({ path, project }) => ({ path, text: json(project) })),
    { path: 'LICENSE', text: readFileSync(new URL('../LICENSE', import.meta.url), 'utf8') },
    source('common/README.md', 'README.md'),
    source('common/docs.md', docsPath(spec, setting)),
    source('common/index.ts', 'src/index.ts'),
    source(`${kind}/plugin.ts`, 'src/plugin.ts'),
    source(`${kind === 'monitoring' ? kind : 'common'}/options.ts`, `src/${name}-${kind}-options.ts`),
    ...SOURCES[kind].map(([template, ending]) => source(`${kind}/${template}.ts`, `src/${name}${ending}.ts`)),
    source('common/write-this.ts', 'src/write-this.ts'),
    source(`${kind}/conformance.ts`, setting === 'standalone' ? `test/${test}` : `src/${test}`),
    ...(setting === 'standalone'
      ? [source('common/vitest.config.ts', 'vitest.config.ts'), source('common/gitignore', '.gitignore')]
      : []),
  ];
}

/** Where the page of the docs lies, told from the package's folder. */
function docsPath({ kind, name }: PluginSpec, setting: Setting): string {
  return setting === 'standalone' ? `docs/${kind}-${name}.md` : `../../docs/${SECTIONS[kind]}/${name}.md`;
}

function wordsOf(spec: PluginSpec, setting: Setting): Words {
  const { kind, name, packageName } = spec;
  const camel = name.replaceAll(/-([a-z0-9])/g, (_dash, letter: string) => letter.toUpperCase());
  const purpose = PURPOSE[kind];
  const standalone = setting === 'standalone';
  return {
    kind,
    name,
    camel,
    Name: upperFirst(camel),
    package: packageName,
    purpose,
    Purpose: upperFirst(purpose),
    section: SECTIONS[kind],
    choice: choiceOf(spec, setting),
    docsPage: docsPath(spec, setting),
    optionsTable: standalone ? OPTIONS_TABLE : `[All options](../reference/${kind}-${name}.md).\n`,
    src: standalone ? '../src' : '.',
    module: standalone ? '../dist/index.js' : './index.ts',
    builtOrNot: standalone ? 'built' : 'sources of the',
  };
}

/** What a configuration says to choose it: the name, where that leads to the package. */
function choiceOf({ kind, name, packageName }: PluginSpec, setting: Setting): string {
  const isFound = setting === 'repository' || packageName === `splitrock-${kind}-${name}`;
  // A value that begins with @ must be quoted in YAML.
  return isFound ? name : packageName.startsWith('@') ? `'${packageName}'` : packageName;
}

/** The options of the template, until there are others. In the repository a tool writes the table from the schema. */
const OPTIONS_TABLE = `| option | default | meaning |
| --- | --- | --- |
| \`url\` | \`http://localhost:8080\` | Where the service is. |
| \`token\` | none | What the service knows its user by. Give it as \`\${env:NAME}\`. |
`;

const upperFirst = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
