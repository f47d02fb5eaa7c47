/** The entry points of a package, as its `exports` say. */
import type { Manifest } from '../workspace.ts';

export interface EntryPoint {
  /** `.` or `./plugin`, a key of `exports`. */
  readonly subpath: string;
  /** `./dist/plugin.d.ts` */
  readonly types: string;
  /** `./dist/plugin.js` */
  readonly code: string;
  /** Started by its file (`@splitrock/worker/main`), not imported: importing it would run it. */
  readonly isProgram: boolean;
}

/** The entry points that are code; `./package.json` and other plain files are none. */
export function entryPointsOf(manifest: Manifest): EntryPoint[] {
  return Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]) => {
    const { types, default: code } = (typeof target === 'object' ? target : {}) as { types?: string; default?: string };
    return types === undefined || code === undefined
      ? []
      : [{ subpath, types, code, isProgram: subpath.endsWith('/main') }];
  });
}
