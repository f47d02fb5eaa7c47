/** Knows whether the code that runs is a function's module being loaded: a job started there would start from every worker. */
import { AsyncLocalStorage } from 'node:async_hooks';

const KEY = Symbol.for('splitrock.loading');

/** One for all copies of this package: the executor inside a bundle is another copy than the worker's. */
function sharedStorage(): AsyncLocalStorage<string> {
  const holder = globalThis as { [KEY]?: AsyncLocalStorage<string> };
  holder[KEY] ??= new AsyncLocalStorage<string>();
  return holder[KEY];
}

/** Runs `load`, and marks all that runs because of it. */
export const whileLoading = <Result>(sha256: string, load: () => Promise<Result>): Promise<Result> =>
  sharedStorage().run(sha256, load);

/** The artifact whose modules are being evaluated by the running code; `undefined` otherwise. */
export const loadingArtifact = (): string | undefined => sharedStorage().getStore();
