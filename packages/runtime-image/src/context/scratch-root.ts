/**
 * What an image needs that has no base: this machine's Node with its shared libraries, at the places where they are here,
 * and the few files that programs expect. For machines that cannot pull, and for images with nothing to attack in them.
 */
import { copyFile, mkdir, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RuntimeImageError } from '../runtime-image-error.ts';
import { runProgram } from '../run-program.ts';
import { localArchitecture, type Architecture } from '../runtime-manifest.ts';

const NODE_PATH = '/usr/local/bin/node';
/** Functions may ask who they are. The id is the image's user. */
const ACCOUNTS = {
  'etc/passwd': 'root:x:0:0:root:/:/bin/false\nsplitrock:x:10001:10001:Splitrock:/tmp:/bin/false\n',
  'etc/group': 'root:x:0:\nsplitrock:x:10001:\n',
};

/**
 * @param node - the Node program to copy @param folder - becomes the image's root
 * @returns Node's version without the `v`
 * @throws RuntimeImageError `RUNTIME_BASE_UNAVAILABLE` when this machine's Node cannot run in the image
 */
export async function writeScratchRoot(node: string, architecture: Architecture, folder: string): Promise<string> {
  if (process.platform !== 'linux' || architecture !== localArchitecture()) {
    throw new RuntimeImageError(
      'RUNTIME_BASE_UNAVAILABLE',
      `An image from scratch holds this machine's Node, which does not run where the image must ` +
        `[machine=${process.platform}/${localArchitecture()}, image=linux/${architecture}]; name a base image.`,
    );
  }
  const libraries = await sharedLibraries(node);
  await place(node, join(folder, NODE_PATH));
  for (const library of libraries) await place(library, join(folder, library));
  for (const [path, text] of Object.entries(ACCOUNTS)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  await mkdir(join(folder, 'tmp'), { recursive: true });
  return (await ask(node, ['--version'])).trim().replace(/^v/, '');
}

/** Links are followed: an image needs the files. */
async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(await realpath(from), to);
}

/** The paths that the dynamic linker resolves, and the linker itself. */
async function sharedLibraries(program: string): Promise<string[]> {
  const lines = (await ask('ldd', [program])).split('\n');
  return lines.flatMap((line) => /(?:=>\s*|^\s*)(\/\S+)\s+\(0x/.exec(line)?.[1] ?? []);
}

async function ask(program: string, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, tail } = await runProgram(program, args);
  if (exitCode === 0) return stdout;
  throw new RuntimeImageError(
    'RUNTIME_BASE_UNAVAILABLE',
    `This machine's Node cannot be put into an image [command=${program} ${args.join(' ')}]: ${tail}; name a base image.`,
  );
}
