/** The `package.json` of a plugin. */
import { readFileSync } from 'node:fs';
import type { PluginKind, PluginSpec } from './plugin-spec.ts';
import { TOOL_VERSIONS } from './tool-versions.ts';

/** Where the package will be: anywhere, or in `packages/` of Splitrock's own repository. */
export type Setting = 'standalone' | 'repository';

/** What the conformance run of a kind needs beside the testkit. */
const COMPANIONS: Readonly<Record<PluginKind, readonly string[]>> = {
  backend: ['@splitrock/monitoring-storage', '@splitrock/storage-local'],
  storage: [],
  monitoring: ['@splitrock/storage-local'],
};

const NODE = '>=20.19';

/** Splitrock's packages are published together, this one among them. */
export function ownVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}

export const manifestOf = (spec: PluginSpec, setting: Setting): object =>
  setting === 'standalone' ? standaloneManifest(spec) : repositoryManifest(spec);

function standaloneManifest({ kind, name, packageName }: PluginSpec): object {
  const splitrock = `^${ownVersion()}`;
  const { zod, ...tools } = TOOL_VERSIONS;
  return {
    name: packageName,
    version: '0.1.0',
    description: `Splitrock ${kind} ${name}`,
    keywords: ['splitrock', `splitrock-${kind}`],
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: NODE },
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './package.json': './package.json' },
    files: ['dist', 'docs'],
    sideEffects: false,
    scripts: {
      build: 'tsc -p tsconfig.build.json',
      typecheck: 'tsc -p tsconfig.json',
      test: 'npm run build && vitest run',
      prepack: 'npm run build',
    },
    dependencies: { zod },
    // A peer, so that the plugin has the contracts of the Splitrock that uses it.
    peerDependencies: { '@splitrock/core': splitrock },
    devDependencies: sorted({
      ...Object.fromEntries(
        ['@splitrock/core', '@splitrock/testkit', ...COMPANIONS[kind]].map((of) => [of, splitrock]),
      ),
      ...tools,
    }),
  };
}

function repositoryManifest({ kind, name, packageName }: PluginSpec): object {
  const splitrock = ownVersion();
  return {
    name: packageName,
    version: splitrock,
    description: `Splitrock ${kind} ${name}`,
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: NODE },
    exports: {
      '.': { '@splitrock/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
      './package.json': './package.json',
    },
    files: ['dist', 'src', 'README.md', '!**/*.tsbuildinfo', '!**/*.test.ts', '!**/*.test-d.ts'],
    sideEffects: false,
    scripts: {
      build: 'tsc -b tsconfig.build.json',
      typecheck: 'tsc -p tsconfig.test.json',
      test: 'vitest run --config ../../vitest.config.ts --root .',
    },
    dependencies: { '@splitrock/core': splitrock, zod: TOOL_VERSIONS.zod.replace('^', '') },
    devDependencies: Object.fromEntries([...COMPANIONS[kind], '@splitrock/testkit'].map((of) => [of, splitrock])),
    nx: { tags: ['layer:plugin'] },
    publishConfig: { access: 'public' },
  };
}

const sorted = (record: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).toSorted(([one], [other]) => (one < other ? -1 : 1)));
