/** How every check of this folder tells what it found. */

export interface Problem {
  /** A file, or `file:line`, or a package, relative to the repository. */
  readonly where: string;
  /** What is wrong and what to do about it, one sentence each. */
  readonly what: string;
}

/** Prints a check's problems, or that there are none, and makes the process fail when there are some. */
export function tell(check: string, problems: readonly Problem[]): void {
  for (const { where, what } of problems) process.stderr.write(`${where}: ${what}\n`);
  if (problems.length > 0) process.exitCode = 1;
  process.stdout.write(`${check}: ${problems.length === 0 ? 'no problems' : `${problems.length} problem(s)`}\n`);
}
