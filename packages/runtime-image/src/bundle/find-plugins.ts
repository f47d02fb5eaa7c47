/** Which plugins go into an image, and where their modules are. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { resolvePackage } from '@splitrock/core';
import { PluginError } from '@splitrock/core/plugin';

/** A package that workers can import. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** Its modules by their path in it; `.` is the main one. */
  readonly modules: Readonly<Record<string, string>>;
}

/** Those with a worker half that makes sense away from the client. */
const OFFICIAL_PACKAGES = [
  '@splitrock/backend-k8s',
  '@splitrock/backend-k8s-rabbitmq',
  '@splitrock/monitoring-rabbitmq',
  '@splitrock/monitoring-redis',
  '@splitrock/monitoring-storage',
  '@splitrock/storage-local',
  '@splitrock/storage-redis',
  '@splitrock/storage-s3',
] as const;

/** @throws PluginError `PLUGIN_NOT_FOUND` for a plugin that was asked for by name and is not installed */
export function findPlugins(asked: readonly string[] | undefined, projectFolder: string): readonly BundledPackage[] {
  const names = asked ?? OFFICIAL_PACKAGES;
  return names.flatMap((name) => {
    const found = findPackage(name, projectFolder);
    if (found !== undefined) return [found];
    if (asked === undefined) return [];
    throw new PluginError(
      'PLUGIN_NOT_FOUND',
      `The plugin ${name} is not installed here [folder=${projectFolder}]; run \`npm install ${name}\`, for the image is made of what is installed.`,
    );
  });
}

/**
 * Looks from the project, then from here: what the command brings along.
 * @param paths - modules beside the main one, as in `./plugin`
 */
export function findPackage(
  name: string,
  projectFolder: string,
  paths: readonly string[] = [],
): BundledPackage | undefined {
  for (const base of [pathToFileURL(`${projectFolder}/`), new URL(import.meta.url)]) {
    const url = resolvePackage(name, base);
    if (url === undefined) continue;
    const file = fileURLToPath(url);
    const nested = paths.map((path) => [path, fileURLToPath(resolvePackage(join(name, path), base) ?? url)]);
    return { name, version: versionAbove(file, name), modules: { '.': file, ...Object.fromEntries(nested) } };
  }
  return undefined;
}

function versionAbove(file: string, name: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = readManifest(join(folder, 'package.json'));
    if (manifest?.name === name && manifest.version !== undefined) return manifest.version;
  }
  return '0.0.0';
}

function readManifest(file: string): { readonly name?: string; readonly version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
  } catch {
    return undefined;
  }
}
