/** Where functions find packages that were not bundled with them: Splitrock itself, and what they leave external. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const SPLITROCK = '@splitrock/core';

/**
 * The nearest `node_modules` that holds Splitrock, at or above `folders` in turn. Folders without it are passed over:
 * tools keep caches in a `node_modules` of their own. A runtime that is one bundled file may have none.
 */
export function findPackages(folders: readonly string[]): string | undefined {
  return folders.flatMap(nodeModulesAbove).find((folder) => existsSync(join(folder, SPLITROCK)));
}

function nodeModulesAbove(folder: string): string[] {
  const parent = dirname(folder);
  return [join(folder, 'node_modules'), ...(parent === folder ? [] : nodeModulesAbove(parent))];
}
