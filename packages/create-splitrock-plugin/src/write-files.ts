/** Puts a rendered package on the disk. */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RenderedFile } from './render-plugin.ts';

/** Why a folder cannot take a new package, as a sentence; `undefined` when it can. */
export function folderProblem(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  if (!statSync(folder).isDirectory()) return `${folder} is there already, and is no folder.`;
  return readdirSync(folder).length === 0 ? undefined : `The folder ${folder} is there already, and not empty.`;
}

export function writeFiles(folder: string, files: readonly RenderedFile[]): void {
  for (const { path, text } of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    // Never over a file that somebody made meanwhile.
    writeFileSync(file, text, { flag: 'wx' });
  }
}
