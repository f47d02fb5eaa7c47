/** The `splitrock` command, for packages that bring it along. */
export { EXIT_CODES, type ExitCode } from './exit-codes.ts';
export { runCli, type RunCliOptions } from './run-cli.ts';
