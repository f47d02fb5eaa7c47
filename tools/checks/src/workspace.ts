/** The packages of this repository, read from their manifests. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export const ROOT = dirname(dirname(dirname(import.meta.dirname)));

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly workspaces?: readonly string[];
  /** A condition map or a file, per subpath. */
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly nx?: { readonly tags?: readonly string[] };
}

export interface Project {
  /** Relative to the repository, with forward slashes: `packages/core`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Every workspace that the root manifest names, in the order of their folders. */
export function readProjects(root = ROOT): Project[] {
  const { workspaces = [] } = readJson(join(root, 'package.json')) as Manifest;
  const manifests = workspaces.flatMap((pattern) => globSync(`${pattern}/package.json`, { cwd: root }));
  return manifests.toSorted().map((path) => ({
    folder: relative('.', dirname(path)).replaceAll('\\', '/'),
    manifest: readJson(join(root, path)) as Manifest,
  }));
}

/** The packages that are published. */
export function publicProjects(projects: readonly Project[]): Project[] {
  return projects.filter(({ manifest }) => manifest.private !== true);
}
