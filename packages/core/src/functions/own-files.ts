/** Imported code that names its own place on the disk, most often to read files beside it: a bundle lies alone. */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { packageFolderOf, readPackage } from './native-addons.ts';

const OWN_PLACE = /\b__(?:dir|file)name\b|\bimport\.meta\b/;

/** @param code - The bundle, without what we put before it. */
export function warningsOfOwnFiles(code: string, files: readonly string[], projectFolder: string): string[] {
  // What is left out of the bundle cannot matter; so most bundles need no look at the files.
  if (!OWN_PLACE.test(code)) return [];
  const names = new Set(files.filter(namesItsPlace).map((file) => nameOf(file, projectFolder)));
  return [...names].map(
    (name) =>
      `${name} uses __dirname, __filename or import.meta: on the worker these do not lead to its own files. If it reads such, leave the package to the runtime with \`external\`.`,
  );
}

function namesItsPlace(file: string): boolean {
  try {
    return OWN_PLACE.test(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}

function nameOf(file: string, projectFolder: string): string {
  const folder = packageFolderOf(file);
  if (folder === undefined) return `The imported file ${relative(projectFolder, file)}`;
  return `The package ${readPackage(folder)?.name ?? folder}`;
}
