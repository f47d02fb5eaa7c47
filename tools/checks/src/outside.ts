/**
 * `npm run check:outside [-- FOLDER]`: the plugin in `examples/plugins/backend-ssh` as a stranger has it. Copied to a
 * folder outside the repository, it is installed with our packages from their tarballs, linted, type-checked, tested against an
 * ssh server, built, packed, and used by a program that names it in its configuration.
 *
 * The packages must be built. Third-party dependencies come from the registry. With `SPLITROCK_TEST_REPORTS` the report
 * of its tests is put there. A FOLDER that is named is kept.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { leaseService } from '@splitrock/services';
import { installPackages, packTarballs, tarballName, writeManifest } from './tarballs/consumer.ts';
import { ROOT, publicProjects, readJson, readProjects, type Manifest } from './workspace.ts';

const PLUGIN = join(ROOT, 'examples/plugins/backend-ssh');
const OWN_FILES = ['node_modules', 'dist', 'package-lock.json'];

/** Runs a command before everybody's eyes. */
function show(command: string, args: readonly string[], cwd: string, environment: NodeJS.ProcessEnv = {}): void {
  console.log(`\n> ${command} ${args.join(' ')}`);
  // Conditions and caches of this repository are not the stranger's.
  const { NODE_OPTIONS: _options, ...env } = process.env;
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit', env: { ...env, ...environment } });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? `exit code ${status}`}`);
}

/** By our own rules. Here, since in the repository the types of our packages are not found before they are built. */
function lint(plugin: string): void {
  const programs = join(ROOT, 'node_modules/.bin');
  const args = ['--type-aware', '--deny-warnings', '--config', join(ROOT, '.oxlintrc.json'), 'src', 'test'];
  // Without `CI`, which makes it use colours.
  show(join(programs, 'oxlint'), args, plugin, { CI: '', OXLINT_TSGOLINT_PATH: join(programs, 'tsgolint') });
}

/** The plugin's manifest with our packages from the tarballs, whoever depends on them. */
function withTarballs(manifest: Manifest, tarballs: Readonly<Record<string, string>>): object {
  const ours = (dependencies: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(dependencies).map(([name, range]) => [name, tarballs[name] ?? range]));
  const dependencies = ours(manifest.dependencies);
  const devDependencies = ours(manifest.devDependencies);
  const named = { ...dependencies, ...devDependencies };
  const overrides = Object.fromEntries(
    Object.entries(tarballs).map(([name, file]) => [name, named[name] === undefined ? file : `$${name}`]),
  );
  return { ...manifest, dependencies, devDependencies, overrides };
}

const PROGRAM = `
import { hostname } from 'node:os';
import { FunctionExecutor } from 'splitrock';

await using executor = new FunctionExecutor();
const squares = await executor.map((n) => n * n, [1, 2, 3, 4, 5, 6, 7, 8]);
const [where] = await executor.map(() => process.argv[1], [0]);
console.log(JSON.stringify({ squares, where }));
`;

/** A program of somebody who installed the packed plugin: only its configuration knows of ssh. */
function useByName(folder: string, plugin: string, ssh: Readonly<Record<string, string>>): void {
  const user = join(folder, 'user');
  mkdirSync(user);
  show('npm', ['pack', '--silent', '--pack-destination', join(folder, 'tarballs')], plugin);
  const { name, version } = readJson(join(plugin, 'package.json')) as Manifest;
  const tarballs = Object.fromEntries(
    publicProjects(readProjects()).map(({ manifest }) => [
      manifest.name,
      `file:${join(folder, 'tarballs', tarballName(manifest.name, manifest.version))}`,
    ]),
  );
  const dependencies = { splitrock: tarballs['splitrock'], [name]: `file:../tarballs/${tarballName(name, version)}` };
  const overrides = { ...tarballs, splitrock: '$splitrock' };
  writeManifest(user, { name: 'user', private: true, type: 'module', dependencies, overrides });
  installPackages(user);
  const configuration = {
    backend: 'ssh',
    backends: {
      ssh: {
        hosts: [ssh['SPLITROCK_TEST_SSH_HOST']],
        identityFile: ssh['SPLITROCK_TEST_SSH_IDENTITY_FILE'],
        knownHostsFile: ssh['SPLITROCK_TEST_SSH_KNOWN_HOSTS_FILE'],
        directory: join(folder, 'runtimes'),
      },
    },
    storages: { local: { directory: join(folder, 'storage') } },
  };
  writeFileSync(join(user, 'splitrock.config.json'), JSON.stringify(configuration, null, 2));
  writeFileSync(join(user, 'program.js'), PROGRAM);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['program.js'], {
    cwd: user,
    encoding: 'utf8',
    timeout: 120_000,
  });
  console.log(`\n> node program.js\n${stdout}${stderr}`);
  if (status !== 0) throw new Error(`A program with \`backend: ssh\` failed: exit code ${status}.`);
  const { squares, where } = JSON.parse(stdout) as { squares: number[]; where: string };
  if (squares.join() !== '1,4,9,16,25,36,49,64') throw new Error(`It printed wrong results: ${stdout}`);
  if (!where.startsWith(join(folder, 'runtimes'))) throw new Error(`Its calls did not run on the host: ${stdout}`);
}

const named = process.argv[2];
const folder = named === undefined ? mkdtempSync(join(tmpdir(), 'splitrock-outside-')) : resolve(named);
try {
  const plugin = join(folder, 'plugin');
  cpSync(PLUGIN, plugin, { recursive: true, filter: (path) => !OWN_FILES.includes(basename(path)) });
  const tarballs = packTarballs(publicProjects(readProjects()), folder);
  const placed = Object.fromEntries(Object.entries(tarballs).map(([name, file]) => [name, file.replace(':', ':../')]));
  writeManifest(
    plugin,
    withTarballs(JSON.parse(readFileSync(join(plugin, 'package.json'), 'utf8')) as Manifest, placed),
  );
  installPackages(plugin);
  const reports = process.env['SPLITROCK_TEST_REPORTS'];
  const ssh = await leaseService('sshd');
  try {
    lint(plugin);
    show('npm', ['run', '--silent', 'typecheck'], plugin);
    show('npm', ['run', '--silent', 'build'], plugin);
    useByName(folder, plugin, ssh.environment);
    show('npm', ['test', '--silent'], plugin, {
      ...ssh.environment,
      ...(reports === undefined ? {} : { SSH_TEST_REPORT: join(reports, 'examples-plugins-backend-ssh.json') }),
    });
  } finally {
    ssh.release();
  }
} finally {
  if (named === undefined) rmSync(folder, { recursive: true, force: true });
}
