/** The compiler's projects of a plugin. */
import type { Setting } from './manifest.ts';

interface CompilerProject {
  readonly path: string;
  readonly project: object;
}

export const compilerProjects = (setting: Setting): readonly CompilerProject[] =>
  setting === 'standalone' ? STANDALONE : REPOSITORY;

const STANDALONE: readonly CompilerProject[] = [
  {
    path: 'tsconfig.json',
    project: {
      compilerOptions: {
        target: 'es2023',
        lib: ['es2023', 'esnext.disposable'],
        module: 'nodenext',
        types: ['node'],
        strict: true,
        noUncheckedIndexedAccess: true,
        verbatimModuleSyntax: true,
        isolatedModules: true,
        rewriteRelativeImportExtensions: true,
        skipLibCheck: true,
        noEmit: true,
      },
      include: ['src', 'test', 'vitest.config.ts'],
    },
  },
  {
    path: 'tsconfig.build.json',
    project: {
      extends: './tsconfig.json',
      compilerOptions: { noEmit: false, rootDir: 'src', outDir: 'dist', declaration: true, sourceMap: true },
      include: ['src'],
    },
  },
];

const REPOSITORY: readonly CompilerProject[] = [
  {
    path: 'tsconfig.json',
    project: { files: [], references: [{ path: './tsconfig.build.json' }, { path: './tsconfig.test.json' }] },
  },
  {
    path: 'tsconfig.build.json',
    project: {
      extends: '../../tsconfig.base.json',
      compilerOptions: { rootDir: 'src', outDir: 'dist', tsBuildInfoFile: 'dist/.tsbuildinfo' },
      include: ['src'],
      exclude: ['src/**/*.test.ts', 'src/**/*.test-d.ts'],
      references: [{ path: '../core/tsconfig.build.json' }],
    },
  },
  {
    path: 'tsconfig.test.json',
    project: {
      extends: '../../tsconfig.base.json',
      compilerOptions: {
        noEmit: true,
        composite: false,
        incremental: false,
        allowImportingTsExtensions: true,
        customConditions: ['@splitrock/source'],
      },
      include: ['src', 'test'],
    },
  },
];
