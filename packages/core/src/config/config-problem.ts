/** Problems of the configuration, and the one error that lists them all. */
import { ConfigError } from '../errors/splitrock-error.ts';
import { formatOrigin, type ConfigOrigin } from './config-origin.ts';
import { formatPath, type ConfigPath } from './config-path.ts';

export interface ConfigProblem {
  /** Where in the configuration; empty for a problem of a whole file or variable. */
  readonly path: ConfigPath;
  /** What is wrong, without path and origin: `must be >= 1, got 0`. Holds no secret. */
  readonly message: string;
  /** Where the value came from; absent for a value that is missing everywhere. */
  readonly origin?: ConfigOrigin;
  /** What to do: `did you mean workerProcesses?` */
  readonly hint?: string;
}

/** `backends.localhost.workerProceses: unknown key (splitrock.config.yaml:4); did you mean workerProcesses?` */
export function formatProblem(problem: ConfigProblem, cwd: string): string {
  const { path, message, origin, hint } = problem;
  const where = origin === undefined ? '' : formatOrigin(origin, cwd);
  const head = path.length > 0 ? `${formatPath(path)}: ${message}${where && ` (${where})`}` : `${where}: ${message}`;
  return hint === undefined ? head : `${head}; ${hint}`;
}

/** The error of all problems, or `undefined` when there are none. */
export function configErrorOf(problems: readonly ConfigProblem[], cwd: string): ConfigError | undefined {
  if (problems.length === 0) return undefined;
  const lines = problems.map((problem) => formatProblem(problem, cwd));
  const headline =
    lines.length === 1 ? 'The configuration has a problem:' : `The configuration has ${lines.length} problems:`;
  return new ConfigError('CONFIG_INVALID', [headline, ...lines.map((line) => `  ${line}`)].join('\n'), {
    details: {
      problems: problems.map((problem, index) => ({
        path: formatPath(problem.path),
        message: problem.message,
        ...(problem.origin === undefined ? {} : { origin: formatOrigin(problem.origin, cwd) }),
        ...(problem.hint === undefined ? {} : { hint: problem.hint }),
        text: lines[index],
      })),
    },
  });
}
