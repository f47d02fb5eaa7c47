/** `splitrock runtime`. */
import type { Command } from 'commander';
import type { CliContext } from '../cli-context.ts';
import { withJson } from '../common-options.ts';
import type { RuntimeBuildFlags, RuntimeFlags } from '../runtime/runtime-commands.ts';

const collect = (value: string, others: readonly string[] = []): readonly string[] => [...others, value];

export function addRuntimeCommand(program: Command, context: CliContext): void {
  const runtime = program
    .command('runtime')
    .summary('build, push, list and inspect worker images')
    .description(
      'Builds the image that workers run in on a cluster, with docker, podman or buildah, whichever is here.',
    );
  const load = () => import('../runtime/runtime-commands.ts');
  const withBuilder = (command: Command): Command =>
    withJson(command.option('--builder <name>', 'docker, podman or buildah; the first that works without it'));

  withBuilder(runtime.command('build'))
    .summary('build a worker image')
    .description(
      'Builds an image of the worker and the plugins that are installed here. Without a tag it gets one that changes with its content.',
    )
    .argument('[image]', 'its name: [registry/]path[:tag]')
    .option(
      '--base <image>',
      'what it is built on, an image with Node; scratch takes this machine’s Node and nothing else',
    )
    .option('--containerfile <file>', 'a Containerfile of yours that makes the base')
    .option('--package <name>', 'an npm package for functions, perhaps with @version; may be repeated', collect)
    .option('--package-file <file>', 'a package.json whose dependencies are installed, by the lock file beside it')
    .option(
      '--plugin <package>',
      'a plugin that workers need, instead of all that are installed; may be repeated',
      collect,
    )
    .option('--architecture <name>', 'the cluster’s: amd64 or arm64; this machine’s without it')
    .option('--node <file>', 'the Node program for --base scratch')
    .option('--output <file>', 'also write the image into an archive, to be loaded without a registry')
    .option('--context <folder>', 'build nothing; write what a builder needs')
    .addHelpText(
      'after',
      '\nExamples:\n  splitrock runtime build registry.example.org/team/worker\n  splitrock runtime build --package sharp@0.34.0 --architecture arm64\n' +
        '  splitrock runtime build --base scratch --output worker.tar',
    )
    .action(async (image: string | undefined, options: RuntimeBuildFlags) =>
      (await load()).buildImage(context, image, options),
    );

  withBuilder(runtime.command('push'))
    .summary('push an image to its registry')
    .description('Pushes an image to the registry that its name begins with.')
    .argument('<image>', 'its name')
    .action(async (image: string, options: RuntimeFlags) => (await load()).pushImage(context, image, options));

  withBuilder(runtime.command('list'))
    .summary('list the worker images of this machine')
    .description('Lists the worker images that the builder has, newest first.')
    .action(async (options: RuntimeFlags) => (await load()).listImages(context, options));

  withBuilder(runtime.command('inspect'))
    .summary('tell what is in an image')
    .description('Tells the versions of Splitrock and Node, the plugins and the packages of an image on this machine.')
    .argument('<image>', 'its name')
    .action(async (image: string, options: RuntimeFlags) => (await load()).inspectImage(context, image, options));
}
