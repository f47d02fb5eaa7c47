/** `splitrock storage`. */
import type { Command } from 'commander';
import type { CliContext, CommonOptions } from '../cli-context.ts';
import { withConfigOptions, withJson } from '../common-options.ts';
import type { DeleteOptions } from '../objects/storage-commands.ts';

export function addStorageCommand(program: Command, context: CliContext): void {
  const storage = program
    .command('storage')
    .summary('put, get, list and delete objects')
    .description(
      'Works on the objects of the configured storage. Keys that begin with jobs/ and functions/ are Splitrock’s own.',
    );
  const load = () => import('../objects/storage-commands.ts');
  const add = (name: string): Command => withJson(withConfigOptions(storage.command(name)));

  add('put')
    .summary('write a file, a folder or standard input')
    .description('Writes a file as an object, a folder as one object per file, or standard input (-).')
    .argument('<path>', 'a file, a folder, or -')
    .argument('[key]', 'the key; one that ends in / is a prefix for the file’s own name')
    .addHelpText(
      'after',
      '\nExamples:\n  splitrock storage put cat.png images/\n  splitrock storage put ./data data/2026/\n  date | splitrock storage put - now.txt',
    )
    .action(async (path: string, key: string | undefined, options: CommonOptions) =>
      (await load()).putObjects(context, path, key, options),
    );

  add('get')
    .summary('read an object, or all below a prefix')
    .description(
      'Reads an object into a file, all objects below a prefix (ending in /) into a folder, or one to standard output (-).',
    )
    .argument('<key>', 'the key, or a prefix that ends in /')
    .argument('[target]', 'a file, a folder, or -')
    .addHelpText(
      'after',
      '\nExamples:\n  splitrock storage get images/cat.png\n  splitrock storage get data/2026/ ./data\n  splitrock storage get now.txt -',
    )
    .action(async (key: string, target: string | undefined, options: CommonOptions) =>
      (await load()).getObjects(context, key, target, options),
    );

  add('list')
    .summary('list objects')
    .description('Lists the objects whose key begins with a prefix, in the order of their keys.')
    .argument('[prefix]', 'all keys without it', '')
    .action(async (prefix: string, options: CommonOptions) => (await load()).listObjects(context, prefix, options));

  add('delete')
    .summary('delete objects')
    .description('Deletes objects by key, or all below a prefix.')
    .argument('[keys...]', 'the keys; those that are not there count as deleted')
    .option('--prefix <prefix>', 'all objects whose key begins so')
    .option('-n, --dry-run', 'only say what would be deleted')
    .action(async (keys: string[], options: DeleteOptions) => (await load()).deleteObjects(context, keys, options));

  add('stat')
    .summary('tell size and age of an object')
    .description('Tells size and age of an object without reading it.')
    .argument('<key>', 'the key')
    .action(async (key: string, options: CommonOptions) => (await load()).statObject(context, key, options));
}
