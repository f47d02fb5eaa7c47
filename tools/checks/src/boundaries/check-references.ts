/**
 * A package's compiler project must refer to the projects of the packages it depends on: editors and the linter then see
 * their sources, whether or not anything is built.
 */
import { posix } from 'node:path';
import type { Problem } from '../problems.ts';
import type { Project } from '../workspace.ts';

/** The compiler project that makes a package's `dist/`. */
export const BUILD_PROJECT = 'tsconfig.build.json';

/** @param references of each build project, as its file has them, by the folder of the package */
export function checkReferences(
  projects: readonly Project[],
  references: ReadonlyMap<string, readonly string[]>,
): Problem[] {
  const folders = new Map(projects.map(({ manifest, folder }) => [manifest.name, folder]));
  return projects.flatMap(({ folder, manifest: { dependencies, peerDependencies } }) => {
    const paths = references.get(folder);
    if (paths === undefined) return [];
    const have = new Set(paths.map((path) => posix.join(folder, path)));
    const wanted = Object.keys({ ...dependencies, ...peerDependencies })
      .map((name) => folders.get(name))
      .filter((target) => target !== undefined && references.has(target))
      .map((target) => `${target}/${BUILD_PROJECT}`);
    const where = `${folder}/${BUILD_PROJECT}`;
    return [
      ...wanted
        .filter((path) => !have.has(path))
        .map((path) => ({ where, what: `must refer to ${path}, a dependency.` })),
      ...[...have]
        .filter((path) => !wanted.includes(path))
        .map((path) => ({ where, what: `refers to ${path}, which is no dependency.` })),
    ];
  });
}
