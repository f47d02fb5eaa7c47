/** The configuration as a list of values with their origins, for people and programs to read. */
import type { ConfigOrigin } from './config-origin.ts';
import type { ConfigPath } from './config-path.ts';
import { leavesOf, valueOf, type ConfigNode } from './config-tree.ts';
import { redact } from './redact.ts';

/** A value of the configuration with its origin, fit to be shown. */
export interface ConfigEntry {
  readonly path: ConfigPath;
  /** Secrets are redacted; references to secrets are shown as they were written. */
  readonly value: unknown;
  readonly origin: ConfigOrigin;
}

/** The entries of a tree that stands at `path`. */
export function* entriesOf(
  tree: ConfigNode,
  path: ConfigPath = [],
  secretAt?: (path: ConfigPath) => boolean,
): Generator<ConfigEntry> {
  for (const { path: at, node } of leavesOf(tree, path)) {
    yield { path: at, value: redact(showable(valueOf(node)), at, secretAt), origin: node.origin };
  }
}

/** A plugin given in code is shown by its name. */
function showable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('optionsSchema' in value)) return value;
  return 'name' in value ? `<plugin ${String(value.name)}>` : '<plugin>';
}
