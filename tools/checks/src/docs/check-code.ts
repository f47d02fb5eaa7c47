/**
 * Code that the docs show is code that is compiled and run: a block names where it stands, and is the same to the letter.
 *
 *     <!-- code: examples/flights/src/flights.ts#main-job -->
 *
 * stands above the block, and in the file it lies between `// #region main-job` and `// #endregion`. Lines of the region that
 * end in `// not shown` are left out.
 */
import type { Problem } from '../problems.ts';

const NAMED_BLOCK = /<!-- code: (?<file>[^#\s]+)#(?<region>\S+) -->\s*```ts\n(?<code>[\s\S]*?)```/g;
const ANY_BLOCK = /^```ts$/gm;

/**
 * @param isStrict - Whether every block of TypeScript must name where it stands.
 * @param read - Gives a file's text; `undefined` when there is none.
 */
export function checkCode(
  path: string,
  text: string,
  isStrict: boolean,
  read: (file: string) => string | undefined,
): Problem[] {
  const blocks = [...text.matchAll(NAMED_BLOCK)];
  const unnamed = isStrict ? [...text.matchAll(ANY_BLOCK)].length - blocks.length : 0;
  const problems = blocks.flatMap(({ groups, index }) => {
    const { file = '', region = '', code = '' } = groups ?? {};
    const shown = regionOf(read(file) ?? '', region);
    const where = `${path}:${text.slice(0, index).split('\n').length}`;
    if (shown === undefined) return [{ where, what: `${file} has no region ${region}.` }];
    return shown === code.trim() ? [] : [{ where, what: `differs from region ${region} of ${file}:\n${shown}` }];
  });
  if (unnamed === 0) return problems;
  return [...problems, { where: path, what: `${unnamed} block(s) of TypeScript do not name the code that they show.` }];
}

/** Without its margin and what is not shown. */
function regionOf(source: string, name: string): string | undefined {
  const lines = source.split('\n');
  const begin = lines.findIndex((line) => line.trim() === `// #region ${name}`);
  if (begin === -1) return undefined;
  const end = lines.findIndex((line, index) => index > begin && line.trim() === '// #endregion');
  const margin = /^\s*/.exec(lines[begin] ?? '')?.[0].length ?? 0;
  return lines
    .slice(begin + 1, end)
    .filter((line) => !line.endsWith('// not shown'))
    .map((line) => line.slice(margin))
    .join('\n')
    .trim();
}
