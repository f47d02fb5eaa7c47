/** Calls what a plugin does once in its life, so that one that throws or hangs there is told by its name. */
import type { Clock } from '../contracts/clock.ts';
import type { Logger } from '../contracts/logger.ts';
import type { PluginKind } from '../contracts/plugin.ts';
import { isSplitrockError, PluginError } from '../errors/splitrock-error.ts';

/** How long plugins may take to start and to stop where no configuration says it, in milliseconds. */
export const PLUGIN_TIMEOUT_MS = 120_000;

/** After this long whoever reads the log is told what is waited for. */
const SLOW_AFTER_MS = 10_000;

/** What of which plugin is called. */
export interface PluginMember {
  readonly kind: PluginKind;
  /** The plugin's name, or what the configuration calls it while its module is loaded. */
  readonly name: string;
  /** As its author calls it: `createStorage`, `start`. */
  readonly member: string;
}

export interface PluginCallLimits {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Calls a member and waits for it. Errors of ours are handed on as they are: such a plugin says itself what is wrong.
 * @param call - Its signal aborts when the time is up.
 * @throws PluginError `PLUGIN_FAILED` with what it threw as `cause`; `PLUGIN_TIMEOUT`.
 */
export async function callPlugin<T>(
  member: PluginMember,
  call: (signal: AbortSignal) => T | Promise<T>,
  { clock, logger, timeoutMs }: PluginCallLimits,
): Promise<T> {
  const expiry = new AbortController();
  const expired = new Promise<never>((_resolve, reject) => {
    expiry.signal.addEventListener('abort', () => reject(expiry.signal.reason as Error), { once: true });
  });
  expired.catch(() => {});
  // They keep the process alive: one that waits for a promise which nobody settles would end without a word.
  const timer = clock.setTimer(() => expiry.abort(timedOut(member, timeoutMs)), timeoutMs, { keepAlive: true });
  const slow = clock.setTimer(() => logger.warn('a plugin takes long', { ...member, timeoutMs }), SLOW_AFTER_MS);
  try {
    return await Promise.race([(async () => call(expiry.signal))(), expired]);
  } catch (error) {
    throw isSplitrockError(error) ? error : failed(member, error);
  } finally {
    timer.cancel();
    slow.cancel();
  }
}

function failed({ kind, name, member }: PluginMember, cause: unknown): PluginError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PluginError(
    'PLUGIN_FAILED',
    `The ${kind} plugin \`${name}\` failed in \`${member}\`: ${why} [member=${member}]; ` +
      'check its options and what it connects to; the cause has the stack, for its author.',
    { cause, details: { kind, name, member } },
  );
}

function timedOut({ kind, name, member }: PluginMember, timeoutMs: number): PluginError {
  const key = STOPPING.has(member) ? 'pluginStopTimeoutMs' : 'pluginStartTimeoutMs';
  return new PluginError(
    'PLUGIN_TIMEOUT',
    `The ${kind} plugin \`${name}\` has not finished \`${member}\` in time [member=${member}, timeoutMs=${timeoutMs}]; ` +
      `check that what it connects to answers, or allow more time with \`${key}\`; a plugin that never finishes is for its author to repair.`,
    { retryable: true, details: { kind, name, member, timeoutMs } },
  );
}

const STOPPING: ReadonlySet<string> = new Set(['stop', 'close', 'flush']);
