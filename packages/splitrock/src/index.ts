/**
 * What users install: the executor with the backend `localhost`, the storages `local` and `memory`, the monitoring `storage`,
 * and the `splitrock` command. All of `@splitrock/core` is here under the same names.
 */
import { FunctionExecutor as CoreExecutor, type ExecutorOptions } from '@splitrock/core';

// A star, so that this can lack nothing: what is public is decided in `@splitrock/core`.
export * from '@splitrock/core';

/**
 * Runs functions over inputs, in parallel, where the configuration says.
 *
 * The executor of `@splitrock/core`, which also finds the plugins that this package brings when the package manager does not
 * put them where the program itself would see them.
 *
 * @example
 * ```ts
 * await using executor = new FunctionExecutor();
 * const squares = await executor.map((n) => n * n, [1, 2, 3]);
 * ```
 */
export class FunctionExecutor extends CoreExecutor {
  constructor(options: ExecutorOptions = {}) {
    super({ ...options, resolveFrom: [...(options.resolveFrom ?? []), import.meta.url] });
  }
}
