/** Two properties of package-lock.json without which `npm ci` fails for somebody else. */
import type { Problem } from '../problems.ts';

export interface Lockfile {
  readonly packages: Readonly<Record<string, LockEntry>>;
}

interface LockEntry {
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export function checkLockfile(lockfile: Lockfile): Problem[] {
  return Object.entries(lockfile.packages).flatMap(([path, entry]) => [
    ...checkResolved(path, entry),
    ...checkOptional(path, entry, lockfile),
  ]);
}

/** Everyone installs from the registry that their own npm is set to. */
function checkResolved(path: string, { resolved, link }: LockEntry): Problem[] {
  if (resolved === undefined || link === true || !resolved.includes('://')) return [];
  return [
    {
      where: 'package-lock.json',
      what: `${path} names a registry; run npm install with the .npmrc of this repository (omit-lockfile-registry-resolved).`,
    },
  ];
}

/**
 * npm leaves an optional package that the registry does not have out of the lock file without a word, and refuses to
 * install from that file afterwards.
 */
function checkOptional(path: string, { optionalDependencies = {} }: LockEntry, { packages }: Lockfile): Problem[] {
  return Object.keys(optionalDependencies)
    .filter((name) => !foldersUp(path).some((folder) => packages[`${folder}node_modules/${name}`] !== undefined))
    .map((name) => ({
      where: 'package-lock.json',
      what: `${name}, optional for ${path || 'the root'}, has no entry, so npm ci will fail; use a version whose optional packages all exist.`,
    }));
}

/** Where Node looks for a package's dependencies: inside itself, then in every package around it, then at the root. */
function foldersUp(path: string): string[] {
  const parts = path === '' ? [] : path.split('/node_modules/');
  return ['', ...parts.map((_, index) => `${parts.slice(0, index + 1).join('/node_modules/')}/`)];
}
