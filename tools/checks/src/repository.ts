/** `npm run lint`, its last part: what no off-the-shelf linter knows about this repository. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkBoundaries, type SourceFile } from './boundaries/check-boundaries.ts';
import { checkReach } from './boundaries/check-reach.ts';
import { BUILD_PROJECT, checkReferences } from './boundaries/check-references.ts';
import { importsOf } from './boundaries/imports.ts';
import { checkDisables } from './comments/check-disables.ts';
import { checkCode } from './docs/check-code.ts';
import { checkLockfile, type Lockfile } from './lockfile/check-lockfile.ts';
import { tell } from './problems.ts';
import { readJson, readProjects, ROOT, type Project } from './workspace.ts';

interface Source extends SourceFile {
  readonly text: string;
}

function readSources(projects: readonly Project[]): Source[] {
  const patterns = projects.map(({ folder }) => `${folder}/**/*.{ts,mts,mjs}`);
  const paths = globSync(patterns, { cwd: ROOT, exclude: ['**/node_modules/**', '**/dist/**', '**/coverage/**'] });
  return paths.toSorted().map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return { path: path.replaceAll('\\', '/'), text, imports: importsOf(path, text) };
  });
}

/** The references of every build project, by the folder of its package. */
function readReferences(projects: readonly Project[]): Map<string, string[]> {
  const built = projects.filter(({ folder }) => existsSync(join(ROOT, folder, BUILD_PROJECT)));
  return new Map(
    built.map(({ folder }) => {
      const { references = [] } = readJson(join(ROOT, folder, BUILD_PROJECT)) as { references?: { path: string }[] };
      return [folder, references.map(({ path }) => path)];
    }),
  );
}

const readText = (path: string): string | undefined =>
  existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : undefined;

function readDocs(): { readonly path: string; readonly text: string }[] {
  const paths = ['README.md', ...globSync(['docs/**/*.md', 'packages/*/README.md'], { cwd: ROOT }).toSorted()];
  return paths.map((path) => ({ path: path.replaceAll('\\', '/'), text: readText(path) ?? '' }));
}

const projects = readProjects();
const sources = readSources(projects);
tell('package boundaries', [...checkBoundaries(projects, sources), ...checkReach(sources)]);
tell('compiler project references', checkReferences(projects, readReferences(projects)));
tell(
  'reasons of disabled rules',
  sources.flatMap(({ path, text }) => checkDisables(path, text)),
);
tell(
  'code in the docs',
  readDocs().flatMap(({ path, text }) => checkCode(path, text, path === 'README.md', readText)),
);
tell('package-lock.json', checkLockfile(readJson(join(ROOT, 'package-lock.json')) as Lockfile));
