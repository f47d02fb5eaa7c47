/** Options that every command has, added to each so that they may stand after its name. */
import type { Command } from 'commander';

/** For commands that read the configuration. */
export function withConfigOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'a configuration file, above the project’s')
    .option('-b, --backend <name>', 'the backend: a plugin’s name, a package or a path')
    .option('-s, --storage <name>', 'the storage')
    .option('-m, --monitoring <name>', 'the monitoring')
    .option('-t, --tenant <name>', 'whose work it is')
    .option('--log-level <level>', 'debug, info, warn, error or silent');
}

export const withJson = (command: Command): Command => command.option('--json', 'print JSON, for programs');
