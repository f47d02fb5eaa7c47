/** Tells people and programs what went wrong, and which exit code that is. */
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
}

export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
  readonly hint?: string;
}

const HINTS: Readonly<Record<string, string>> = {
  BACKEND_UNAVAILABLE: '`splitrock doctor` tests each part by itself.',
  STORAGE_UNAVAILABLE: '`splitrock doctor` tests each part by itself.',
  MONITORING_UNAVAILABLE: '`splitrock doctor` tests each part by itself.',
  CONFIG_INVALID: '`splitrock config show --origin` says where each value comes from.',
  INTERNAL: 'Please report it, with what `splitrock doctor --json` says.',
};

export function reportOf(error: unknown): ErrorReport {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', message: String(error) };
  const { code, details } = error as { code?: unknown; details?: unknown };
  const known = typeof code === 'string' ? code : 'UNEXPECTED';
  // A failure that is no error of ours is a fault of ours: its stack is what helps.
  const message = known === 'UNEXPECTED' ? (error.stack ?? error.message) : error.message;
  const hint = HINTS[known];
  return {
    code: known,
    message,
    ...(details === undefined ? {} : { details }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** `error CONFIG_INVALID: …`, with a hint on a line of its own. */
export function formatReport({ code, message, hint }: ErrorReport): string {
  const text = `error ${code}: ${message}`;
  return hint === undefined ? text : `${text}\n${hint}`;
}

export function exitCodeOf({ code }: ErrorReport): ExitCode {
  if (code === 'USAGE') return EXIT_CODES.usage;
  if (code === 'INTERRUPTED') return EXIT_CODES.interrupted;
  return /^(?:CONFIG|KUBE_CONFIG|PLUGIN)_/.test(code) ? EXIT_CODES.configuration : EXIT_CODES.failure;
}
