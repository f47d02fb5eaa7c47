/** What can be seen of one live function: where it was written, and the variables around it. */

/** A place in a running script; lines and columns from 0, as V8 counts them. */
export interface ScriptLocation {
  readonly scriptId: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** One scope that a function closes over, innermost first. */
export interface LiveScope {
  readonly kind: 'module' | 'global' | 'script' | 'function';
  /** Variables by name; reading one that is not initialised yet throws. For `global` it is the global object itself. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** What a function is made of, and can never change. */
export interface FunctionNature {
  /** Absent for native functions. */
  readonly location?: ScriptLocation;
  readonly bound?: { readonly target: object; readonly thisArg: unknown; readonly args: readonly unknown[] };
}

export interface FunctionPeek extends FunctionNature {
  /** As they are when first asked for; most functions are never asked. */
  readonly scopes: readonly LiveScope[];
}

/** Looks at the scopes only when somebody asks for them. */
export class LazyPeek implements FunctionPeek {
  readonly location?: ScriptLocation;
  readonly bound?: NonNullable<FunctionNature['bound']>;
  readonly #read: () => readonly LiveScope[];
  #scopes: readonly LiveScope[] | undefined;

  constructor({ location, bound }: FunctionNature, read: () => readonly LiveScope[]) {
    if (location !== undefined) this.location = location;
    if (bound !== undefined) this.bound = bound;
    this.#read = read;
  }

  get scopes(): readonly LiveScope[] {
    this.#scopes ??= this.#read();
    return this.#scopes;
  }
}

/** From V8's `[[Scopes]]`. */
export function toLiveScopes(raw: unknown): LiveScope[] {
  const list = (raw ?? []) as ArrayLike<{ readonly description: string; readonly object: Record<string, unknown> }>;
  return Array.from(list, ({ description, object }) => ({ kind: scopeKind(description), variables: object }));
}

function scopeKind(description: string): LiveScope['kind'] {
  if (description === 'Global') return 'global';
  if (description === 'Module') return 'module';
  if (description === 'Script') return 'script';
  return 'function';
}
