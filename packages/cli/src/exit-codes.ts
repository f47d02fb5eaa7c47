/** Exit codes of the `splitrock` command; `docs/cli.md` lists them. */
export const EXIT_CODES = {
  ok: 0,
  /** The command could not do what was asked, or `doctor` found something that does not work. */
  failure: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The configuration is wrong, or a plugin cannot be loaded. */
  configuration: 3,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];
