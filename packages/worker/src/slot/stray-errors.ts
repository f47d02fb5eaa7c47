/**
 * Errors that nobody in a call caught (a throwing timer, a rejection without a handler) and exits from inside a call.
 * Either way the process ends and is replaced; these last words tell the worker which call is to blame.
 */
import type { FromSlot } from '../protocol/slot-messages.ts';
import { callScope } from './call-scope.ts';
import type { Slot } from './slot.ts';

export interface StrayErrorDeps {
  readonly slot: Slot;
  readonly post: (message: FromSlot) => void;
  /** Ends the process or thread at once, without running anything of the user's. */
  readonly die: () => never;
}

export function watchStrayErrors({ slot, post, die }: StrayErrorDeps): void {
  const tell = (message: string): void => {
    const scope = callScope.getStore();
    const call = slot.blame(scope);
    const leftover = call === undefined && scope !== undefined;
    post({ type: 'exiting', leftover, message, ...(call === undefined ? {} : { sequence: call.sequence }) });
  };
  process.on('uncaughtException', (thrown, origin) => {
    const call = slot.blame(callScope.getStore());
    const kind = origin === 'unhandledRejection' ? 'an unhandled rejection' : 'an uncaught exception';
    if (call === undefined) tell(`${kind} outside any running call: ${describe(thrown)}`);
    else slot.fail(call, thrown);
    die();
  });
  process.on('exit', (code) => tell(`process.exit(${code})`));
}

/** Anything can be thrown, also what cannot be turned into text. */
function describe(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'a value that cannot be shown';
  }
}
