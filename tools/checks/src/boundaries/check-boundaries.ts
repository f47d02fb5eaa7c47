/** Holds every import between our packages against the table of {@link ./layers.ts}. */
import { posix } from 'node:path';
import type { Problem } from '../problems.ts';
import type { Project } from '../workspace.ts';
import type { Import } from './imports.ts';
import { CONTRACTS, EXCEPTIONS, LAYERS, RULES, type Layer } from './layers.ts';

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly imports: readonly Import[];
}

/** A file that is never published: it may use any of our packages that its manifest declares. */
export function isTestFile(path: string): boolean {
  return /(\.test|\.test-d)\.ts$/.test(path) || /^[^/]+\/[^/]+\/(test|fixtures)\//.test(path);
}

/** The layer that a manifest's tag names; undefined when it has none or an unknown one. */
export function layerOf(project: Project): Layer | undefined {
  const tag = project.manifest.nx?.tags?.find((name) => name.startsWith('layer:'));
  return LAYERS.find((layer) => tag === `layer:${layer}`);
}

export function checkBoundaries(projects: readonly Project[], files: readonly SourceFile[]): Problem[] {
  const byName = new Map(projects.map((project) => [project.manifest.name, project]));
  const untagged = projects
    .filter((project) => layerOf(project) === undefined)
    .map(({ folder }) => ({
      where: `${folder}/package.json`,
      what: `nx.tags must name a layer, one of ${LAYERS.map((layer) => `layer:${layer}`).join(', ')}.`,
    }));
  const crossed = files.flatMap((file) => {
    const project = projects.find(({ folder }) => file.path.startsWith(`${folder}/`));
    if (project === undefined) return [];
    return file.imports.flatMap((one) => {
      const what = problemOf(project, file.path, one.specifier, byName);
      return what === undefined ? [] : [{ where: `${file.path}:${one.line}`, what }];
    });
  });
  return [...untagged, ...crossed];
}

function problemOf(
  project: Project,
  path: string,
  specifier: string,
  byName: ReadonlyMap<string, Project>,
): string | undefined {
  if (specifier.startsWith('.')) return leavesPackage(project, path, specifier);
  const target = byName.get(packageOf(specifier));
  if (target === undefined || target === project) return undefined;
  return (
    notExported(target, specifier) ??
    notDeclared(project, target, isTestFile(path)) ??
    notAllowed(project, target, specifier, path)
  );
}

/** `@splitrock/core/plugin` is of the package `@splitrock/core`, `zod/v4` of `zod`. */
export function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function leavesPackage(project: Project, path: string, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  if (target.startsWith(`${project.folder}/`)) return undefined;
  return `${specifier} leaves the package; import the other package by its name.`;
}

function notExported(target: Project, specifier: string): string | undefined {
  const subpath = `.${specifier.slice(target.manifest.name.length)}`;
  if (target.manifest.exports?.[subpath] !== undefined) return undefined;
  return `${specifier} is not in the exports of ${target.manifest.name}; import what it exports.`;
}

function notDeclared(project: Project, target: Project, test: boolean): string | undefined {
  const { dependencies, peerDependencies, devDependencies } = project.manifest;
  const declared = { ...dependencies, ...peerDependencies, ...(test ? devDependencies : {}) };
  if (declared[target.manifest.name] !== undefined) return undefined;
  return `${target.manifest.name} is not among the ${test ? '(dev) ' : ''}dependencies of ${project.manifest.name}.`;
}

function notAllowed(project: Project, target: Project, specifier: string, path: string): string | undefined {
  const [layer, targetLayer] = [layerOf(project), layerOf(target)];
  if (layer === undefined || targetLayer === undefined || isTestFile(path)) return undefined;
  const allowed =
    targetLayer === 'core'
      ? RULES[layer].core.includes(specifier)
      : RULES[layer].layers.includes(targetLayer) ||
        (EXCEPTIONS[project.manifest.name] ?? []).includes(target.manifest.name);
  if (allowed) return undefined;
  const hint = targetLayer === 'core' && RULES[layer].core.includes(CONTRACTS) ? `; import ${CONTRACTS}` : '';
  return `a package of layer ${layer} may not import ${specifier}${hint} (see tools/checks/src/boundaries/layers.ts).`;
}
