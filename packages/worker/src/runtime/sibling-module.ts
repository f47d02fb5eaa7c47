/** Finds a module of this package as a file: from the TypeScript sources, from the built package, and from a bundle. */

/** Defined, as `true`, by a bundler that puts the modules of `workerEntries` side by side under their names there. */
declare const SPLITROCK_WORKER_BUNDLED: boolean | undefined;

/** The URL of `path` (without extension) relative to the module whose `import.meta.url` is given. */
export function siblingModule(moduleUrl: string, path: string): URL {
  if (typeof SPLITROCK_WORKER_BUNDLED !== 'undefined') {
    return new URL(`./${path.slice(path.lastIndexOf('/') + 1)}.js`, moduleUrl);
  }
  return new URL(`${path}${moduleUrl.endsWith('.ts') ? '.ts' : '.js'}`, moduleUrl);
}
