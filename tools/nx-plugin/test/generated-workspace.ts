/** A workspace laid out like this one, into which plugins are generated as `nx g` does; with the programs that a package is held to. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { PluginKind } from 'create-splitrock-plugin';
import { conformanceOutcomes } from '../src/conformance-outcomes.ts';
import type { FileTree } from '../src/file-tree.ts';
import { generatePlugin } from '../src/generate-plugin.ts';

export const ROOT = join(import.meta.dirname, '../../..');
/** The lists that a generator adds names to. */
export const NAME_LISTS = [
  'packages/core/src/plugins/plugin-names.ts',
  'packages/create-splitrock-plugin/src/plugin-spec.ts',
];
const FILES = [
  'package.json',
  'tsconfig.base.json',
  'vitest.config.ts',
  '.prettierrc.json',
  '.oxlintrc.json',
  'packages/core/tsconfig.build.json',
  ...NAME_LISTS,
];
const VITEST = [process.execPath, join(ROOT, 'node_modules/vitest/vitest.mjs')];

export class GeneratedWorkspace implements Disposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'splitrock-generators-')));

  constructor() {
    for (const file of FILES) {
      mkdirSync(dirname(join(this.folder, file)), { recursive: true });
      cpSync(join(ROOT, file), join(this.folder, file));
    }
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
  }

  /** @returns The new package's folder. */
  async generate(kind: PluginKind, name: string): Promise<string> {
    await generatePlugin(this.#tree(), kind, { name });
    return join(this.folder, 'packages', `${kind}-${name}`);
  }

  /** Runs a program of the repository's; what it complains of, nothing when it has not. */
  complaints(program: string, args: readonly string[], cwd = this.folder): string {
    const bin = join(ROOT, 'node_modules/.bin', program);
    const { status, stdout, stderr } = spawnSync(bin, args, { cwd, encoding: 'utf8' });
    return status === 0 ? '' : `${stdout}${stderr}`;
  }

  /**
   * Builds a package as its `npm run build` does, but that the contracts are read from their sources, since nothing of the
   * repository is built when tests run: they are those of an installed package here, of which nothing is put out.
   */
  build(folder: string): string {
    const alone = ['--composite', 'false', '--incremental', 'false', '--tsBuildInfoFile', 'null'];
    const sources = ['--customConditions', '@splitrock/source', '--preserveSymlinks'];
    return this.complaints('tsc', ['-p', 'tsconfig.build.json', ...alone, ...sources], folder);
  }

  /** Of each case of a package's conformance run; its temporary files are within the workspace. */
  outcomes(folder: string): readonly string[] {
    const temporary = mkdtempSync(join(this.folder, 'tmp-'));
    const vitest = [...VITEST, '--config', '../../vitest.config.ts', '--root', '.'];
    return conformanceOutcomes(folder, vitest, { ...process.env, TMPDIR: temporary });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }

  /** Nx's tree without the delay: what is written is there. */
  #tree(): FileTree {
    const { folder } = this;
    return {
      root: folder,
      exists: (path) => existsSync(join(folder, path)),
      read: (path) => readFileSync(join(folder, path), 'utf8'),
      write(path, text) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      },
    };
  }
}
