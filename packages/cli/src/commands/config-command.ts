/** `splitrock config`: shows, writes and finds the configuration. */
import type { Command } from 'commander';
import type { CliContext, CommonOptions } from '../cli-context.ts';
import { withConfigOptions, withJson } from '../common-options.ts';

interface ShowOptions extends CommonOptions {
  readonly origin?: boolean;
}

export function addConfigCommand(program: Command, context: CliContext): void {
  const config = program
    .command('config')
    .summary('show, write or find the configuration')
    .description('Shows, writes and finds the configuration.');

  withJson(withConfigOptions(config.command('show')))
    .summary('print the configuration that is in force')
    .description(
      'Prints the configuration that is in force, defaults included. Secrets are hidden; references to secrets are shown as they are written.',
    )
    .option('--origin', 'say where each value comes from')
    .addHelpText(
      'after',
      '\nExamples:\n  splitrock config show --origin\n  SPLITROCK_BACKEND=k8s splitrock config show --json',
    )
    .action(async (options: ShowOptions) => (await import('../config/show-config.ts')).showConfig(context, options));

  config
    .command('init')
    .summary('write a commented splitrock.config.yaml')
    .description(
      'Writes splitrock.config.yaml with every key, commented, into the working directory. Overwrites nothing.',
    )
    .action(async () => (await import('../config/init-config.ts')).initConfig(context));

  withJson(config.command('path'))
    .summary('list the files that are looked at')
    .description('Lists the configuration files that are looked at, lowest layer first, and which of them are there.')
    .option('-c, --config <file>', 'a configuration file, above the project’s')
    .action(async (options: CommonOptions) =>
      (await import('../config/config-paths.ts')).listConfigPaths(context, options),
    );
}
