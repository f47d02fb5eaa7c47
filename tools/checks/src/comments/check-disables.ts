/** Every switched-off lint rule says why: `// oxlint-disable-next-line some-rule -- the reason`. */
import { parseSync } from 'oxc-parser';
import type { Problem } from '../problems.ts';

const DISABLE = /^\s*(?:oxlint|eslint)-disable\b/;

export function checkDisables(path: string, source: string): Problem[] {
  return parseSync(path, source)
    .comments.filter(({ value }) => DISABLE.test(value) && !/\s--\s+\S/.test(value))
    .map(({ start }) => ({
      where: `${path}:${source.slice(0, start).split('\n').length}`,
      what: 'a disabled rule must carry its reason, after " -- ".',
    }));
}
