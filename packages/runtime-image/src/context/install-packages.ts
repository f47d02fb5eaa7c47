/**
 * The user's packages in an image. They are installed on this machine for the image's platform and copied: an image is then
 * built without running anything in it, so also for another architecture, and its manifest knows every version.
 */
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '@splitrock/core/plugin';
import { RuntimeImageError } from '../runtime-image-error.ts';
import { lastLines, runProgram, type RunProgramOptions } from '../run-program.ts';
import { localArchitecture, npmCpuOf, type Architecture } from '../runtime-manifest.ts';

export interface PackageRequest {
  /** `name` or `name@version`. */
  readonly packages: readonly string[];
  /** A `package.json`. */
  readonly packageFile: string | undefined;
  readonly architecture: Architecture;
  readonly projectFolder: string;
  /** Gets `package.json` and `node_modules`. */
  readonly folder: string;
}

interface Dependencies {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * @returns what functions may leave external, name to version
 * @throws ConfigError `CONFIG_UNREADABLE`; RuntimeImageError `RUNTIME_BUILD_FAILED` with what npm said
 */
export async function installPackages(
  request: PackageRequest,
  options: RunProgramOptions,
): Promise<Readonly<Record<string, string>>> {
  const { folder, packages } = request;
  await mkdir(folder, { recursive: true });
  const lockFile = request.packageFile === undefined ? undefined : join(dirname(packageFileOf(request)), LOCK);
  const isLocked = packages.length === 0 && lockFile !== undefined && existsSync(lockFile);
  const manifest = { ...(await dependenciesOf(request)), private: true, type: 'module' };
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const isEmpty = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }).length === 0;
  if (packages.length === 0 && isEmpty) return {};
  if (isLocked) await copyFile(lockFile, join(folder, LOCK));
  const command = [isLocked ? 'ci' : 'install', ...platformOptions(request.architecture)];
  await npm(packages.length === 0 ? command : [...command, '--', ...packages], folder, options);
  return installedVersions(join(folder, 'node_modules'));
}

const LOCK = 'package-lock.json';

const packageFileOf = ({ projectFolder, packageFile = '' }: PackageRequest): string =>
  resolve(projectFolder, packageFile);

async function dependenciesOf(request: PackageRequest): Promise<Dependencies> {
  if (request.packageFile === undefined) return {};
  const file = packageFileOf(request);
  try {
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(await readFile(file, 'utf8')) as Dependencies;
    return { dependencies, optionalDependencies };
  } catch (cause) {
    throw new ConfigError(
      'CONFIG_UNREADABLE',
      `The list of packages cannot be read [file=${file}]; name a package.json.`,
      { cause },
    );
  }
}

/** Install scripts run programs of this machine: for another one they would build the wrong thing. */
function platformOptions(architecture: Architecture): string[] {
  const platform = ['--os=linux', `--cpu=${npmCpuOf(architecture)}`, '--libc=glibc'];
  const isForeign = process.platform !== 'linux' || architecture !== localArchitecture();
  return ['--omit=dev', '--no-audit', '--no-fund', ...platform, ...(isForeign ? ['--ignore-scripts'] : [])];
}

async function npm(args: readonly string[], folder: string, options: RunProgramOptions): Promise<void> {
  const { exitCode, tail } = await runProgram('npm', args, { ...options, cwd: folder });
  if (exitCode === 0) return;
  throw new RuntimeImageError(
    'RUNTIME_BUILD_FAILED',
    `The image's packages cannot be installed [exitCode=${exitCode}]; npm said:\n${lastLines(tail)}`,
  );
}

async function installedVersions(nodeModules: string): Promise<Record<string, string>> {
  const names = (await readdir(nodeModules)).filter((name) => !name.startsWith('.'));
  const nested = await Promise.all(
    names.map(async (name) => {
      if (!name.startsWith('@')) return [name];
      return (await readdir(join(nodeModules, name))).map((inner) => `${name}/${inner}`);
    }),
  );
  const versions = await Promise.all(
    nested.flat().map(async (name): Promise<[string, string]> => {
      const manifest = await readFile(join(nodeModules, name, 'package.json'), 'utf8');
      return [name, (JSON.parse(manifest) as { version?: string }).version ?? '0.0.0'];
    }),
  );
  return Object.fromEntries(versions.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
