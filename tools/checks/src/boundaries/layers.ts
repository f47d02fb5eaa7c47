/**
 * Which package may import which: the architecture in one table.
 *
 * A package's layer is the `layer:` tag in its manifest. Arrows go one way; plugins know the contracts and nothing else,
 * so that anyone can write one outside this repository and the worker image never loads the executor.
 */

export const LAYERS = [
  'core',
  'worker',
  'plugin-common',
  'plugin',
  'testkit',
  'plot',
  'image',
  'cli',
  'product',
  'example',
  'tool',
] as const;
export type Layer = (typeof LAYERS)[number];

/** `@splitrock/core/plugin` is the half of core that plugins and workers see; `@splitrock/core` is the executor. */
export const CONTRACTS = '@splitrock/core/plugin';
export const EXECUTOR = '@splitrock/core';

interface LayerRule {
  /** Entry points of core that the layer may import. */
  readonly core: readonly string[];
  /** Other layers it may import. */
  readonly layers: readonly Layer[];
}

export const RULES: Readonly<Record<Layer, LayerRule>> = {
  core: { core: [], layers: [] },
  worker: { core: [CONTRACTS], layers: [] },
  'plugin-common': { core: [CONTRACTS], layers: [] },
  plugin: { core: [CONTRACTS], layers: ['plugin-common'] },
  // Its reference backend starts workers.
  testkit: { core: [CONTRACTS], layers: ['worker'] },
  plot: { core: [CONTRACTS, EXECUTOR], layers: [] },
  image: { core: [CONTRACTS, EXECUTOR], layers: ['worker'] },
  cli: { core: [CONTRACTS, EXECUTOR], layers: ['image'] },
  product: { core: [CONTRACTS, EXECUTOR], layers: ['plugin', 'plot', 'cli'] },
  example: { core: [CONTRACTS, EXECUTOR], layers: ['plugin', 'plot', 'cli', 'product'] },
  tool: {
    core: [CONTRACTS, EXECUTOR],
    layers: ['worker', 'plugin-common', 'plugin', 'testkit', 'plot', 'image', 'cli', 'product', 'tool'],
  },
};

/** Single arrows that a layer as a whole must not have, with the reason. */
export const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // It starts the worker runtime as child processes of the client; every other backend starts it from an image.
  '@splitrock/backend-localhost': ['@splitrock/worker'],
};

/** The half of core that travels into worker images, and what must never be loaded with it. */
export const WORKER_HALF = {
  entry: 'packages/core/src/plugin.ts',
  forbiddenFolders: ['packages/core/src/executor/', 'packages/core/src/job/'],
  forbiddenPackages: ['esbuild', 'acorn'],
} as const;
