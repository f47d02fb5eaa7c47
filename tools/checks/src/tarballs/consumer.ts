/** An empty project that has installed our tarballs: what a user gets, with nothing of this repository around it. */
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entryPointsOf } from '../api/entry-points.ts';
import type { Problem } from '../problems.ts';
import type { PackedFile } from './check-contents.ts';
import { ROOT, type Project } from '../workspace.ts';

/** Packs the projects and installs them, all from their tarballs; third parties come from the registry. */
export function installTarballs(projects: readonly Project[], folder: string): void {
  const dependencies = packTarballs(projects, folder);
  // Their dependencies on each other must be these tarballs too, never what a registry has under the same name.
  const overrides = Object.fromEntries(Object.keys(dependencies).map((name) => [name, `$${name}`]));
  writeManifest(folder, { name: 'consumer', private: true, type: 'module', dependencies, overrides });
  installPackages(folder);
}

/** Packs the projects into `tarballs` below a folder; what a manifest there names as their versions. */
export function packTarballs(projects: readonly Project[], folder: string): Readonly<Record<string, string>> {
  const tarballs = join(folder, 'tarballs');
  mkdirSync(tarballs);
  const workspaces = projects.flatMap(({ folder: workspace }) => ['--workspace', workspace]);
  run('npm', ['pack', '--silent', '--pack-destination', tarballs, ...workspaces], ROOT);
  return Object.fromEntries(
    projects.map(({ manifest: { name, version } }) => [name, `file:tarballs/${tarballName(name, version)}`]),
  );
}

export function writeManifest(folder: string, manifest: object): void {
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
}

/** Installs what the manifest of a project names. */
export function installPackages(folder: string): void {
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', '--progress=false'], folder);
}

/** `@splitrock/core` 0.1.0 is packed as `splitrock-core-0.1.0.tgz`. */
export function tarballName(name: string, version: string): string {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
}

/** The files of an installed package, without what is installed inside it. */
export function installedFiles(name: string, folder: string): PackedFile[] {
  const cwd = join(folder, 'node_modules', name);
  return globSync('**/*', { cwd, exclude: ['node_modules'] })
    .filter((path) => statSync(join(cwd, path)).isFile())
    .toSorted()
    .map((path) => ({ path: path.replaceAll('\\', '/'), text: readFileSync(join(cwd, path), 'utf8') }));
}

/** Entry points that need a newer Node than their package, by the major version: what they import does. */
const NEEDS_NODE: Readonly<Record<string, number>> = {
  // `@kubernetes/client-node`, the official client that this suite drives a cluster with.
  '@splitrock/testkit/kubernetes-fidelity': 22,
};

/**
 * Imports every entry point of every package, each in a process of its own, so that none hides what another needs.
 * Programs are only looked up.
 */
export function importEverything(projects: readonly Project[], folder: string, node: string): Problem[] {
  const major = Number.parseInt(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.slice(1), 10);
  return projects.flatMap(({ manifest }) =>
    entryPointsOf(manifest).flatMap(({ subpath, isProgram }) => {
      const specifier = `${manifest.name}${subpath.slice(1)}`;
      if (major < (NEEDS_NODE[specifier] ?? 0)) return [];
      const quoted = JSON.stringify(specifier);
      const code = isProgram
        ? `import { statSync } from 'node:fs'; statSync(new URL(import.meta.resolve(${quoted})));`
        : `const names = Object.keys(await import(${quoted})); process.exitCode = names.length > 0 ? 0 : ${EMPTY};`;
      const args = ['--input-type=module', '--eval', code];
      const { status, stderr } = spawnSync(node, args, { cwd: folder, encoding: 'utf8', timeout: 60_000 });
      if (status === 0) return [];
      const what = status === EMPTY ? 'exports nothing.' : `cannot be imported by ${node}: ${gist(stderr)}`;
      return [{ where: specifier, what }];
    }),
  );
}

/** The line of an uncaught error that says what it was; all of it when there is none. */
function gist(stderr: string): string {
  return /^\w*Error\b.*$/m.exec(stderr)?.[0] ?? stderr.trim();
}

/** Exit code for an entry point without exports; not one that Node uses itself. */
const EMPTY = 99;

/** Compiles a file that imports every entry point, as strictly as a user may, our declarations included. */
export function compileAgainst(projects: readonly Project[], folder: string): Problem[] {
  const specifiers = projects.flatMap(({ manifest }) =>
    entryPointsOf(manifest).map(({ subpath }) => `${manifest.name}${subpath.slice(1)}`),
  );
  const imports = specifiers.map((specifier, index) => `import * as p${index} from '${specifier}';`);
  const uses = `export const all = [${specifiers.map((_, index) => `p${index}`).join(', ')}];`;
  writeFileSync(join(folder, 'use.ts'), [...imports, uses, ''].join('\n'));
  const compilerOptions = {
    strict: true,
    target: 'es2023',
    noEmit: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  };
  // As Node resolves them, and as bundlers do.
  const resolutions = [{ module: 'nodenext' }, { module: 'esnext', moduleResolution: 'bundler' }];
  return resolutions.flatMap((resolution) => {
    const options = { ...compilerOptions, ...resolution };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['use.ts'] }));
    const { status, stdout } = spawnSync('tsc', ['-p', folder], { encoding: 'utf8' });
    if (status === 0) return [];
    const how = JSON.stringify(resolution);
    return [{ where: 'types of the packages', what: `do not compile in a project of a user with ${how}:\n${stdout}` }];
  });
}

/** Runs a command to its end; throws with all it printed when it fails. */
export function run(command: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${error?.message ?? `${stdout}${stderr}`}`);
}

/** Runs the commands of the packages, each asked for its version. */
export function askVersions(projects: readonly Project[], folder: string): Problem[] {
  return projects.flatMap(({ manifest: { name, version, bin = {} } }) =>
    Object.keys(bin).flatMap((command) => {
      const { status, stdout, stderr } = spawnSync('npx', ['--no-install', command, '--version'], {
        cwd: folder,
        encoding: 'utf8',
      });
      if (status === 0 && stdout.includes(version)) return [];
      return [{ where: `${name}: ${command} --version`, what: `must print ${version}; it printed ${stdout}${stderr}` }];
    }),
  );
}
