/** Which configuration files there are, lowest layer first. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { ConfigProblem } from './config-problem.ts';
import type { Environment } from './variable-layer.ts';

const PROJECT_FILES = ['yaml', 'yml', 'json', 'ts', 'mts', 'js', 'mjs'].map((ending) => `splitrock.config.${ending}`);

export interface ConfigFilePlace {
  /** Why this file is looked at: its layer. */
  readonly layer: 'machine' | 'user' | 'project' | 'SPLITROCK_CONFIG';
  readonly file: string;
  readonly exists: boolean;
}

export interface PlacesOptions {
  readonly cwd: string;
  readonly env: Environment;
  readonly home: string;
  /** The machine's file; another one in tests. @defaultValue /etc/splitrock/config.yaml */
  readonly machineFile?: string;
}

/** Every place that is looked at, whether or not a file is there. */
export function configFilePlaces(options: PlacesOptions): {
  readonly places: readonly ConfigFilePlace[];
  readonly problems: readonly ConfigProblem[];
} {
  const { cwd, env, home } = options;
  const place = (layer: ConfigFilePlace['layer'], file: string): ConfigFilePlace => ({
    layer,
    file,
    exists: existsSync(file),
  });
  const project = projectFiles(cwd, home);
  const named = env['SPLITROCK_CONFIG'];
  const places = [
    place('machine', options.machineFile ?? '/etc/splitrock/config.yaml'),
    place('user', join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'splitrock', 'config.yaml')),
    place('project', project[0] ?? join(cwd, 'splitrock.config.yaml')),
    ...(named === undefined || named === '' ? [] : [place('SPLITROCK_CONFIG', resolve(cwd, named))]),
  ];
  const problems: ConfigProblem[] = [];
  if (project.length > 1) {
    problems.push({
      path: [],
      message: `there are ${project.length} configuration files in one folder: ${project.map((file) => relative(dirname(file), file)).join(', ')}`,
      origin: { kind: 'file', file: dirname(project[0] as string) },
      hint: 'keep one of them',
    });
  }
  const last = places.at(-1);
  if (last?.layer === 'SPLITROCK_CONFIG' && !last.exists) {
    problems.push({
      path: [],
      message: `the file ${last.file} does not exist`,
      origin: { kind: 'variable', name: 'SPLITROCK_CONFIG' },
    });
  }
  return { places, problems };
}

/**
 * The project's files: of the nearest folder that has one, from `cwd` up to the project's root. The search ends there because
 * a configuration may be a program: what lies above the project (`/tmp`, a shared folder) is somebody else's.
 */
function projectFiles(cwd: string, home: string): readonly string[] {
  const root = projectRoot(cwd, home);
  for (let folder = cwd; ; folder = dirname(folder)) {
    const names = new Set(listFolder(folder));
    const found = PROJECT_FILES.filter((name) => names.has(name));
    if (found.length > 0 || folder === root) return found.map((name) => join(folder, name));
  }
}

/** The nearest folder with `.git`, else the nearest with a package.json, else `cwd`; never the home folder's parents. */
function projectRoot(cwd: string, home: string): string {
  const folders = [cwd];
  for (let folder = cwd; folder !== dirname(folder) && folder !== home; folder = dirname(folder))
    folders.push(dirname(folder));
  const inHome = isInside(cwd, home);
  const allowed = folders.filter((folder) => !inHome || isInside(folder, home));
  return (
    allowed.find((folder) => existsSync(join(folder, '.git'))) ??
    allowed.find((folder) => existsSync(join(folder, 'package.json'))) ??
    cwd
  );
}

function isInside(folder: string, parent: string): boolean {
  const path = relative(parent, folder);
  return path === '' || (!path.startsWith('..') && !isAbsolute(path));
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // A folder on the way up that may not be listed holds no configuration for us.
    return [];
  }
}
