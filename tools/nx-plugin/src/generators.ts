/** `npx nx g @splitrock/nx-plugin:backend NAME`, and `:storage`, `:monitoring`. */
import { finishPlugin } from './finish-plugin.ts';
import { generatePlugin, type GeneratorOptions } from './generate-plugin.ts';
import type { FileTree } from './file-tree.ts';

type Kind = Parameters<typeof generatePlugin>[1];

const generatorOf = (kind: Kind) => async (tree: FileTree, options: GeneratorOptions) => {
  const plugin = await generatePlugin(tree, kind, options);
  return () => finishPlugin(tree.root, plugin);
};

export const backend = generatorOf('backend');
export const storage = generatorOf('storage');
export const monitoring = generatorOf('monitoring');
