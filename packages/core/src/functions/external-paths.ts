/**
 * External packages that code names by path: test runners replace `'lit'` with the file that it leads to, and what is
 * captured by its value is imported from its file. The worker has the package elsewhere, so it needs the name again.
 */
import { relative, sep } from 'node:path';
import { packageFolderOf, readPackage } from './native-addons.ts';

/** @returns the name under which the package of a file is installed; `undefined` for files outside of `node_modules`. */
export const packageOf = (file: string): string | undefined =>
  packageFolderOf(file)
    ?.split(/[\\/]node_modules[\\/]/)
    .at(-1)
    ?.replaceAll('\\', '/');

/** What may lead to a file of a package, the likeliest first; to be tried, since packages decide what they export. */
export function possibleSpecifiers(file: string): readonly string[] {
  const folder = packageFolderOf(file);
  const name = packageOf(file);
  if (folder === undefined || name === undefined) return [];
  const path = relative(folder, file).split(sep).join('/');
  const exported = Object.entries(subpaths(readPackage(folder)?.exports)).flatMap(([key, target]) =>
    targetsOf(target).flatMap((pattern) => matched(key, pattern, `./${path}`)),
  );
  const plain = [path, path.replace(/\.[cm]?js$/, ''), path.replace(/\/index\.[cm]?js$/, '')];
  return [...new Set([name, ...exported.map((key) => name + key.slice(1)), ...plain.map((each) => `${name}/${each}`)])];
}

function subpaths(exports: unknown): Readonly<Record<string, unknown>> {
  const isTable = typeof exports === 'object' && exports !== null && Object.keys(exports).some((key) => key[0] === '.');
  return isTable ? (exports as Record<string, unknown>) : {};
}

/** Of every condition. */
function targetsOf(target: unknown): readonly string[] {
  if (typeof target === 'string') return [target];
  return typeof target === 'object' && target !== null ? Object.values(target).flatMap(targetsOf) : [];
}

/** The key, with what its `*` stands for, when the target is the file. */
function matched(key: string, target: string, file: string): readonly string[] {
  const [before = '', after] = target.split('*', 2);
  if (after === undefined) return target === file ? [key] : [];
  if (file.length < before.length + after.length || !file.startsWith(before) || !file.endsWith(after)) return [];
  return [key.replace('*', () => file.slice(before.length, file.length - after.length))];
}
