/** Turns what a function returned or threw into the call's outcome. */
import {
  encodeValue,
  isSplitrockError,
  resultKey,
  serializeError,
  type CallOutcome,
  type JobRef,
  type LoadedFunction,
  type Storage,
} from '@splitrock/core/plugin';

export interface OutcomeContext {
  readonly job: JobRef;
  readonly callId: number;
  readonly attempt: number;
  readonly workerId: string;
  readonly fn: LoadedFunction;
  readonly inlineResultBytes: number;
  readonly storage: Storage;
}

/** A result: inline when small, else written to storage first. What cannot travel makes the call `failed`. */
export function valueOutcome(value: unknown, context: OutcomeContext): CallOutcome | Promise<CallOutcome> {
  let bytes: Uint8Array;
  try {
    bytes = context.fn.encodeResult(value);
  } catch (error) {
    return failedOutcome(error);
  }
  return bytes.length <= context.inlineResultBytes ? { kind: 'value', inline: bytes } : storeResult(bytes, context);
}

async function storeResult(bytes: Uint8Array, context: OutcomeContext): Promise<CallOutcome> {
  const key = resultKey(context.job, context.callId, context.attempt, context.workerId);
  try {
    await context.storage.put(key, bytes);
    return { kind: 'value', key, bytes: bytes.length };
  } catch (error) {
    return failedOutcome(error);
  }
}

/** Whatever was thrown, of any kind. What cannot be encoded travels as an error of the same name, message and stack. */
export function errorOutcome(thrown: unknown, encode: (value: unknown) => Uint8Array = encodeValue): CallOutcome {
  const { name, message } = describe(thrown);
  return { kind: 'error', error: encodeThrown(thrown, encode, name, message), name, message };
}

function encodeThrown(
  thrown: unknown,
  encode: (value: unknown) => Uint8Array,
  name: string,
  message: string,
): Uint8Array {
  try {
    return encode(thrown);
  } catch {
    const plain = new Error(message);
    plain.name = name;
    const stack = readText(() => (thrown as Error).stack);
    if (stack !== undefined) plain.stack = stack;
    return encodeValue(plain);
  }
}

/** Splitrock itself could not run the call or take its result. */
export const failedOutcome = (error: unknown): CallOutcome => ({ kind: 'failed', error: serializeError(error) });

/** The user's module threw while it was loaded, or what we loaded is damaged. */
export const loadOutcome = (error: unknown): CallOutcome =>
  isSplitrockError(error) ? failedOutcome(error) : errorOutcome(error);

function describe(thrown: unknown): { name: string; message: string } {
  if (thrown instanceof Error) {
    return {
      name: readText(() => thrown.name) ?? 'Error',
      message: readText(() => thrown.message) ?? '',
    };
  }
  return { name: `thrown ${thrown === null ? 'null' : typeof thrown}`, message: readText(() => String(thrown)) ?? '' };
}

/** User objects may have getters and `toString` that throw. */
function readText(read: () => unknown): string | undefined {
  try {
    const text = read();
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}
