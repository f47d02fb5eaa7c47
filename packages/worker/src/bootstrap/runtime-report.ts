/** What this worker is: the versions that decide which functions can run on it. */
import { readFileSync } from 'node:fs';
import { ConfigError, type RuntimeInfo } from '@splitrock/core/plugin';
import { z } from 'zod';

/** What `--version` prints, and what is logged at the start. */
export interface RuntimeReport extends RuntimeInfo {
  /** The version of the worker runtime. */
  readonly splitrockVersion: string;
  /** As Node names it: `x64`, `arm64`. */
  readonly architecture: string;
}

/** Names the file in which an image says what is installed in it; set by the image. */
const RUNTIME_FILE_VARIABLE = 'SPLITROCK_WORKER_RUNTIME_FILE';

/** Of the image's manifest, what a worker needs; `splitrock runtime build` writes it. */
const manifestSchema = z.object({ packages: z.record(z.string(), z.string()) });

/** @throws ConfigError `CONFIG_UNREADABLE` when the image's own manifest is missing or is none. */
export function runtimeReport(env: Readonly<Record<string, string | undefined>> = process.env): RuntimeReport {
  const file = env[RUNTIME_FILE_VARIABLE];
  const { node: nodeVersion } = process.versions;
  return {
    splitrockVersion: workerVersion(),
    nodeVersion,
    architecture: process.arch,
    ...(file === undefined ? {} : { packages: packagesIn(file) }),
  };
}

function packagesIn(file: string): Readonly<Record<string, string>> {
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).packages;
  } catch (cause) {
    throw new ConfigError(
      'CONFIG_UNREADABLE',
      `The manifest of the worker's image cannot be read [file=${file}]; build the image anew.`,
      { cause },
    );
  }
}

/** The package's manifest lies above the sources, the built files and a bundle's files alike. */
function workerVersion(): string {
  const bases = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url));
  for (const url of bases) {
    const manifest = readManifest(url);
    if (manifest?.name === '@splitrock/worker' && manifest.version !== undefined) return manifest.version;
  }
  return 'unknown';
}

function readManifest(url: URL): { readonly name?: string; readonly version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(url, 'utf8')) as { name?: string; version?: string };
  } catch {
    return undefined;
  }
}
