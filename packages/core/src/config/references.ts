/**
 * Secrets by reference: `${env:NAME}` and `${file:/path}` in any string of the configuration are replaced when the
 * value is needed, and only there; what is shown or reported is the reference. `$${` stands for a plain `${`.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ConfigOrigin } from './config-origin.ts';
import type { ConfigPath } from './config-path.ts';
import type { ConfigProblem } from './config-problem.ts';
import { mapLeaves, nodeOf, valueOf, type ConfigNode } from './config-tree.ts';
import type { Environment } from './variable-layer.ts';

export interface ReferenceSources {
  readonly env: Environment;
  /** Relative paths of references that stand in no file are told from here. */
  readonly cwd: string;
  readonly readFile?: (path: string) => string;
}

const REFERENCE = /\$(\$\{)|\$\{([a-z]+):([^}]*)\}/g;

/** Whether a text takes part of its value from elsewhere. */
export const hasReference = (text: string): boolean => /(?<!\$)\$\{[a-z]+:[^}]*\}/.test(text);

/** A value whose texts mean themselves: what looks like a reference in them is none. For values that were resolved before. */
export function escapeReferences<Value>(value: Value): Value {
  const escaped = mapLeaves(nodeOf(value, { kind: 'code' }), (leaf) =>
    typeof leaf.value === 'string' ? { ...leaf, value: leaf.value.replaceAll('${', () => '$${') } : leaf,
  );
  return valueOf(escaped) as Value;
}

/** Replaces the references in a tree that stands at `path`; those that lead nowhere are problems. */
export function resolveReferences(
  node: ConfigNode,
  path: ConfigPath,
  sources: ReferenceSources,
): { readonly node: ConfigNode; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const resolved = mapLeaves(
    node,
    (leaf, leafPath) => {
      if (typeof leaf.value !== 'string' || !leaf.value.includes('${')) return leaf;
      const value = leaf.value.replaceAll(
        REFERENCE,
        (all, escaped: string | undefined, scheme: string, target: string) => {
          if (escaped !== undefined) return escaped;
          const found = lookUp(scheme, target.trim(), leaf.origin, sources);
          if (typeof found === 'string') return found;
          problems.push({ path: leafPath, message: `${found.missing} (referenced as ${all})`, origin: leaf.origin });
          return all;
        },
      );
      // The text before the replacement is a reference too, so it must not stand in for the value.
      return { kind: 'leaf', value, origin: leaf.origin };
    },
    path,
  );
  return { node: resolved, problems };
}

function lookUp(
  scheme: string,
  target: string,
  origin: ConfigOrigin,
  sources: ReferenceSources,
): string | { readonly missing: string } {
  if (scheme === 'env') return sources.env[target] ?? { missing: `the environment variable ${target} is not set` };
  if (scheme !== 'file') return { missing: `unknown kind of reference ${scheme}; there are env and file` };
  const file = resolve(origin.kind === 'file' ? dirname(origin.file) : sources.cwd, target);
  try {
    const text = (sources.readFile ?? ((path) => readFileSync(path, 'utf8')))(file);
    // Editors and `echo` end a file with a newline that is no part of the secret.
    return text.replace(/\r?\n$/, '');
  } catch (error) {
    return { missing: `the file ${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}` };
  }
}
