/**
 * The two forms that say by themselves what travels: `fn({ captures }, f)` and `moduleFunction(file, name)`. They are
 * ordinary functions too, so code that uses them runs and type-checks without Splitrock's help.
 */
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { InvalidArgumentError } from '../errors/splitrock-error.ts';

// eslint-disable-next-line typescript/no-explicit-any -- any function, whatever its parameters
type Callable = (...args: any[]) => unknown;

export interface ExplicitForm {
  readonly kind: 'explicit';
  readonly captures: unknown;
  readonly body: Callable;
}

export interface ModuleForm {
  readonly kind: 'module';
  /** Absolute path. */
  readonly file: string;
  readonly name: string;
}

const forms = new WeakMap<object, ExplicitForm | ModuleForm>();

/** What a function made by {@link fn} or {@link moduleFunction} stands for; `undefined` for other functions. */
export const formOf = (candidate: object): ExplicitForm | ModuleForm | undefined => forms.get(candidate);

/**
 * Makes a function that names what it captures, and so travels where V8's inspector is not available (Node with
 * `--permission`, Bun) and wherever you want to see in the code what is sent.
 *
 * Without an inspector the inner function may use nothing from around it but its parameters and globals; imports go
 * inside it, as `await import('package')`.
 *
 * @example
 * ```ts
 * const scaled = fn({ factor: 3 }, (captures, item: number) => item * captures.factor);
 * const futures = executor.map(scaled, [1, 2, 3]);
 * ```
 */
export function fn<Captures, Args extends readonly unknown[], Result>(
  captures: Captures,
  body: (captures: Captures, ...args: Args) => Result,
): (...args: Args) => Result {
  if (typeof body !== 'function')
    throw new InvalidArgumentError(
      'ARGUMENT_INVALID',
      'fn() takes the captures and a function; the second argument is no function.',
    );
  const made = (...args: Args): Result => body(captures, ...args);
  Object.defineProperty(made, 'name', { value: body.name || 'fn', configurable: true });
  forms.set(made, { kind: 'explicit', captures, body: body as Callable });
  return made;
}

/**
 * Names a function by the module that exports it: nothing is captured, the module is bundled and imported on the worker.
 *
 * @param file - A file URL (`new URL('./resize.ts', import.meta.url)`) or a path.
 * @param name - The export. @defaultValue 'default'
 * @throws InvalidArgumentError when it is called and the module has no such function; ShipError when it is given to an
 * executor and there is no such file.
 */
export function moduleFunction<Args extends readonly unknown[] = [item: never], Result = unknown>(
  file: URL | string,
  name = 'default',
): (...args: Args) => Promise<Awaited<Result>> {
  const path =
    file instanceof URL || file.startsWith('file:') ? fileURLToPath(file) : isAbsolute(file) ? file : resolve(file);
  const made = async (...args: Args): Promise<Awaited<Result>> => {
    const module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
    const exported = module[name];
    if (typeof exported !== 'function') {
      throw new InvalidArgumentError(
        'ARGUMENT_INVALID',
        `The module has no function exported as \`${name}\` [file=${path}]; correct the name, or export the function.`,
      );
    }
    return (exported as (...args: Args) => Promise<Awaited<Result>>)(...args);
  };
  Object.defineProperty(made, 'name', { value: name, configurable: true });
  forms.set(made, { kind: 'module', file: path, name });
  return made;
}
