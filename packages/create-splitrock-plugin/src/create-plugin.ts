/** `npm create splitrock-plugin`: arguments, questions, what is said. */
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ownVersion } from './manifest.ts';
import { defaultPackageName, isPluginKind, PLUGIN_KINDS, problemsOf, type PluginSpec } from './plugin-spec.ts';
import { renderPlugin } from './render-plugin.ts';
import { folderProblem, writeFiles } from './write-files.ts';

/** What the command talks to. */
export interface Surroundings {
  readonly cwd: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Asks whoever sits there; absent where nobody does. */
  readonly ask?: (question: string) => Promise<string>;
}

const EXIT = { ok: 0, refused: 1, usage: 2 } as const;

const HELP = `Begins a plugin for Splitrock: a package that builds, with a conformance run that says what is still to be written.

  npm create splitrock-plugin@latest [kind] [name] [-- options]

  kind                 ${PLUGIN_KINDS.join(', ')}
  name                 kebab-case; what a configuration calls it

  --package NAME       the package's name; splitrock-KIND-NAME unless given
  --directory FOLDER   where it goes, new or empty; ./PACKAGE unless given
  --json               one JSON object on standard output, also for what is wrong; no questions
  --version            the version of the templates
  -h, --help           this text

What is not given is asked for, where somebody can answer.
`;

const OPTIONS = {
  package: { type: 'string' },
  directory: { type: 'string' },
  json: { type: 'boolean' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** @returns the exit code: 1 when nothing was made because of what was asked for, 2 for wrong arguments. */
export async function createPlugin(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { out, err } = surroundings;
  const wantsJson = args.includes('--json');
  const refuse = (code: number, problems: readonly string[]): number => {
    if (wantsJson) out(`${JSON.stringify({ created: false, problems })}\n`);
    else err(`${problems.join('\n')}\nNothing was made; see --help.\n`);
    return code;
  };
  const parsed = parse(args);
  if (typeof parsed === 'string') return refuse(EXIT.usage, [parsed]);
  const { values, positionals } = parsed;
  if (values.help === true) {
    out(HELP);
    return EXIT.ok;
  }
  if (values.version === true) {
    out(`${ownVersion()}\n`);
    return EXIT.ok;
  }
  if (positionals.length > 2) return refuse(EXIT.usage, [`Too many arguments: ${positionals.slice(2).join(' ')}.`]);
  const ask = wantsJson ? undefined : surroundings.ask;
  const kind = positionals[0] ?? (await ask?.(`Kind (${PLUGIN_KINDS.join(', ')}): `))?.trim();
  const name = positionals[1] ?? (await ask?.('Name (kebab-case): '))?.trim();
  const missing = [
    ...(kind === undefined ? [`The kind is missing: one of ${PLUGIN_KINDS.join(', ')}.`] : []),
    ...(name === undefined ? ['The name is missing: kebab-case, what a configuration calls the plugin.'] : []),
  ];
  if (kind === undefined || name === undefined) return refuse(EXIT.usage, missing);
  const packageName = values.package ?? (isPluginKind(kind) ? defaultPackageName(kind, name) : `splitrock-${name}`);
  const folder = resolve(surroundings.cwd, values.directory ?? packageName.replace(/^.*\//, ''));
  const wrong = problemsOf({ kind, name, packageName });
  // A folder that is named after something wrong would only be a second complaint about it.
  const taken = wrong.length > 0 && values.directory === undefined ? undefined : folderProblem(folder);
  const problems = taken === undefined ? wrong : [...wrong, taken];
  if (problems.length > 0) return refuse(EXIT.refused, problems);
  const spec = { kind, name, packageName } as PluginSpec;
  const files = renderPlugin(spec, 'standalone');
  writeFiles(folder, files);
  if (wantsJson) {
    const paths = files.map(({ path }) => path);
    out(`${JSON.stringify({ created: true, ...spec, directory: folder, files: paths })}\n`);
  } else {
    out(farewell(spec, relative(surroundings.cwd, folder) || '.'));
  }
  return EXIT.ok;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    return (error as Error).message;
  }
}

const farewell = ({ kind, name }: PluginSpec, folder: string): string => `Made the ${kind} ${name} in ${folder}.

  cd ${folder}
  npm install
  npm test

The tests that fail say what is to be written ("Write this: …"); when all pass, it is a ${kind}.
`;
