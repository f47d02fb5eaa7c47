/**
 * Why a function cannot travel. Every refusal names the way that led to the trouble and what to do about it.
 */
import type { ErrorCode } from '../errors/error-codes.ts';
import { SplitrockError } from '../errors/splitrock-error.ts';

export type ShipErrorCode = Extract<ErrorCode, `SHIP_${string}`>;

/** What to do, for codes whose remedy does not depend on the case at hand. */
const REMEDIES: Readonly<Record<ShipErrorCode, string>> = {
  SHIP_BUILTIN_INSTANCE: 'Create it inside the function, or as a module-level const.',
  SHIP_ENTRY_CYCLE: 'Move the shared code to a file of its own.',
  SHIP_HANDLE: 'Create it inside the function, or as a module-level const.',
  SHIP_IMPORT_UNRESOLVED: 'Install the package, or correct the path.',
  SHIP_ITERATOR: 'Make an array of it first: `[...iterator]`.',
  SHIP_LOST_BINDING: 'Declare it at module level, or inside the function.',
  SHIP_NAMESPACE: 'Import the module statically where the function is, or inside the function.',
  SHIP_NATIVE_ADDON: 'Name the package in `external` and install it in the runtime image.',
  SHIP_NATIVE_FUNCTION: 'Wrap it in an arrow function: `(x) => f(x)`.',
  SHIP_NEW_TARGET: 'Keep what you need of it in a const and use that.',
  SHIP_NO_BUNDLER:
    'Run the program where esbuild and its binary for this platform are installed: without optional dependencies, or inside a single executable, they are not.',
  SHIP_NO_INSPECTOR:
    'Start Node with `--allow-inspector`, or use an explicit form: `fn({ captures }, (captures, item) => …)`, `moduleFunction(file)`.',
  SHIP_NO_SOURCE: 'Write the function in a file, or use the `module` form.',
  SHIP_PACKAGE_INTERNAL: 'Declare it as a module-level const, or create it inside the function.',
  SHIP_PRIVATE_INSTANCE: 'Ship the data it is made of and construct it inside the function.',
  SHIP_PRIVATE_NAME: 'Ship the class instead of the lone method.',
  SHIP_PROMISE: 'Await it first.',
  SHIP_PROXY: 'Pass the target instead.',
  SHIP_SHARED_MEMORY: 'Copy it first: `new Uint8Array(shared).slice()`.',
  SHIP_STREAM: 'Create it inside the function, or read it to the end first.',
  SHIP_SUPER: 'Ship the class or an instance instead of the lone method.',
  SHIP_TDZ: 'Move the declaration before the call.',
  SHIP_THIS: 'Take what you need first, `const { field } = this;`, or name it: `map(f, data, { this: this })`.',
  SHIP_TOO_BIG:
    'Pass it as data, or put it in storage and read it inside the function; the executor’s option `maxCapturedBytes` is the limit.',
  SHIP_WEAKREF: 'Pass what it refers to.',
  SHIP_WHILE_LOADING: 'Start jobs from a function, not while a module is loaded.',
};

/** Where a function was written, in the user's own source. */
export interface SourcePlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface ShipErrorParts {
  readonly functionName: string;
  readonly place?: SourcePlace | undefined;
  /** One clause without a full stop. */
  readonly why: string;
  /** From the function to the trouble: `['config', '.server', 'its class Server']`. */
  readonly path?: readonly string[];
  readonly remedy?: string | undefined;
  readonly cause?: unknown;
}

/** A function, or something it reaches, cannot travel to workers. Raised before any worker starts. */
export class ShipError extends SplitrockError {
  declare readonly code: ShipErrorCode;
  /** The way from the function to what cannot travel. */
  readonly path: readonly string[];

  constructor(code: ShipErrorCode, parts: ShipErrorParts) {
    super(code, shipMessage(code, parts), {
      details: { function: parts.functionName, path: parts.path ?? [], ...parts.place },
      ...(parts.cause === undefined ? {} : { cause: parts.cause }),
    });
    this.path = parts.path ?? [];
  }
}

function shipMessage(code: ShipErrorCode, { functionName, place, why, path = [], remedy }: ShipErrorParts): string {
  const where = place === undefined ? '' : ` (${place.file}:${place.line})`;
  const way = path.length === 0 ? '' : ` Reached through: ${path.join(' → ')}.`;
  return `cannot ship \`${functionName}\`${where}: ${why}.${way} ${remedy ?? REMEDIES[code]}`;
}

/**
 * A refusal raised deep inside a walk, where the function's name and the way to it are not known. The capture turns it
 * into a {@link ShipError}.
 */
export class ShipProblem extends Error {
  readonly code: ShipErrorCode;
  readonly remedy: string | undefined;
  /** Where the walk through the captured values stood, as the codec writes it. */
  walkPath = '';

  constructor(code: ShipErrorCode, why: string, options: { remedy?: string; walkPath?: string; cause?: unknown } = {}) {
    super(why, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ShipProblem';
    this.code = code;
    this.remedy = options.remedy;
    this.walkPath = options.walkPath ?? '';
  }
}
