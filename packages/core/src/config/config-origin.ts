/** Where a value of the configuration came from. */
import { isAbsolute, relative } from 'node:path';

export type ConfigOrigin =
  | { readonly kind: 'default' }
  /** Lines count from 1; configuration written as a module has none. */
  | { readonly kind: 'file'; readonly file: string; readonly line?: number }
  | { readonly kind: 'variable'; readonly name: string }
  /** `name` tells which code: the command line. */
  | { readonly kind: 'code'; readonly name?: string };

/** `splitrock.config.yaml:4`, `SPLITROCK_BACKEND`, `code` or `default`; files below `cwd` are told relative to it. */
export function formatOrigin(origin: ConfigOrigin, cwd: string): string {
  switch (origin.kind) {
    case 'file':
      return origin.line === undefined ? nearName(origin.file, cwd) : `${nearName(origin.file, cwd)}:${origin.line}`;
    case 'variable':
      return origin.name;
    case 'code':
      return origin.name ?? 'code';
    case 'default':
      return 'default';
  }
}

function nearName(file: string, cwd: string): string {
  const name = relative(cwd, file);
  return name === '' || name.startsWith('..') || isAbsolute(name) ? file : name;
}
