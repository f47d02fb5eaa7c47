/** Follows what loading one file loads, to keep a part of a package free of another part. */
import { posix } from 'node:path';
import type { Problem } from '../problems.ts';
import { packageOf, type SourceFile } from './check-boundaries.ts';
import { WORKER_HALF } from './layers.ts';

export interface ReachRule {
  readonly entry: string;
  readonly forbiddenFolders: readonly string[];
  readonly forbiddenPackages: readonly string[];
}

/**
 * Every import through which loading the rule's entry would load a forbidden file or package, each with the shortest chain
 * that gets there. What lies behind a forbidden file is not looked at: it is loaded because of that one.
 * Type-only imports do not count: nothing of them is left when the program runs. Dynamic imports do.
 */
export function checkReach(files: readonly SourceFile[], rule: ReachRule = WORKER_HALF): Problem[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  if (!byPath.has(rule.entry)) return [{ where: rule.entry, what: 'does not exist, but a boundary rule names it.' }];

  const chains = new Map([[rule.entry, [rule.entry]]]);
  const problems: Problem[] = [];
  // A Map iterates over what is added to it meanwhile: breadth first, so every chain is a shortest one.
  for (const [path, chain] of chains) {
    for (const { specifier, line, typeOnly } of byPath.get(path)?.imports ?? []) {
      if (typeOnly) continue;
      const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : packageOf(specifier);
      if (isForbidden(target, rule)) {
        const way = [...chain, target].join(' → ');
        problems.push({
          where: `${path}:${line}`,
          what: `${rule.entry} must not load ${target}; it does so through ${way}.`,
        });
      } else if (!chains.has(target)) {
        chains.set(target, [...chain, target]);
      }
    }
  }
  return problems;
}

function isForbidden(target: string, rule: ReachRule): boolean {
  return rule.forbiddenPackages.includes(target) || rule.forbiddenFolders.some((folder) => target.startsWith(folder));
}
