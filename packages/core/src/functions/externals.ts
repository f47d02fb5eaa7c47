/** Packages that a function leaves to the workers' runtime: whether the runtime has them, in versions that fit. */
import type { RuntimeInfo } from '../contracts/backend.ts';
import { isVersionFit } from '../contracts/version-fit.ts';

export interface ExternalProblem {
  readonly name: string;
  /** The version that the client has installed. */
  readonly wanted: string;
  /** The runtime's; `undefined` when it has none. */
  readonly found: string | undefined;
  /** One sentence with what to do. */
  readonly message: string;
}

/**
 * Compares the externals of a function with what a runtime reports. A version fits when it has the same major, and for
 * `0.x` the same minor, as semantic versioning has it.
 * @returns one problem for each package that is missing or does not fit; empty when the function can run.
 */
export function checkExternals(
  required: Readonly<Record<string, string>>,
  runtime: Pick<RuntimeInfo, 'packages'>,
): ExternalProblem[] {
  const { packages } = runtime;
  // A runtime that shares the client's disk sees the client's own packages.
  if (packages === undefined) return [];
  return Object.entries(required).flatMap(([name, wanted]) => {
    const found = Object.hasOwn(packages, name) ? packages[name] : undefined;
    if (found !== undefined && isVersionFit(wanted, found)) return [];
    const message =
      found === undefined
        ? `The function needs the package ${name} ${wanted}, which the runtime does not have; install it in the runtime image.`
        : `The function needs the package ${name} ${wanted}, but the runtime has ${found}; install the client's version in the runtime image.`;
    return [{ name, wanted, found, message }];
  });
}
