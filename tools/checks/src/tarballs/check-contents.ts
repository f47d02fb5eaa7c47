/** What a published package must hold, and what must not be in it. Pure: names and texts in, problems out. */
import type { Problem } from '../problems.ts';

export interface PackedFile {
  /** Inside the package, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const REQUIRED = ['README.md', 'LICENSE'];
const UNWANTED = [
  { pattern: /\.(test|test-d|spec)\./, what: 'is a test' },
  { pattern: /(^|\/)(test|fixtures)\//, what: 'is a part of tests' },
  { pattern: /\.tsbuildinfo$/, what: 'is a file of the compiler' },
  { pattern: /(^|\/)\.(?!.*\/)/, what: 'is a hidden file' },
];

/**
 * @param name of the package
 * @param machinePaths folders of the machine that built it: a file that mentions one works, or makes sense, only there
 */
export function checkContents(name: string, files: readonly PackedFile[], machinePaths: readonly string[]): Problem[] {
  const missing = REQUIRED.filter((path) => !files.some((file) => file.path === path)).map((path) => ({
    where: name,
    what: `${path} is not in the package.`,
  }));
  const unwanted = files.flatMap(({ path }) =>
    UNWANTED.filter(({ pattern }) => pattern.test(path)).map(({ what }) => ({
      where: `${name}/${path}`,
      what: `${what}; keep it out through "files" in package.json.`,
    })),
  );
  const leaking = files.flatMap(({ path, text }) =>
    machinePaths
      .filter((machinePath) => text.includes(machinePath))
      .map((machinePath) => ({ where: `${name}/${path}`, what: `mentions ${machinePath}, a folder of this machine.` })),
  );
  return [...missing, ...unwanted, ...leaking];
}
