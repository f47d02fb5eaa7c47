/** The command line: every command with its options and help. The work itself is loaded when a command runs. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { addConfigCommand } from './commands/config-command.ts';
import { addJobsCommands } from './commands/jobs-commands.ts';
import { addK8sCommand } from './commands/k8s-command.ts';
import { addRunCommands } from './commands/run-commands.ts';
import { addRuntimeCommand } from './commands/runtime-command.ts';
import { addStorageCommand } from './commands/storage-command.ts';
import { EXIT_CODES } from './exit-codes.ts';

export function createProgram(context: CliContext): Command {
  const program = new Command('splitrock')
    .description(
      'Runs ordinary TypeScript functions over many inputs, in parallel: on this machine, on Kubernetes, on a work queue.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => void context.output.stdout.write(text),
      writeErr: (text) => void context.output.stderr.write(text),
    })
    .exitOverride()
    .addHelpText(
      'after',
      `\nExit codes: ${EXIT_CODES.ok} done, ${EXIT_CODES.failure} failed, ${EXIT_CODES.usage} wrong command line, ` +
        `${EXIT_CODES.configuration} wrong configuration or plugin, ${EXIT_CODES.interrupted} interrupted; \`run\` ends as the script does.`,
    );
  addRunCommands(program, context);
  addConfigCommand(program, context);
  addJobsCommands(program, context);
  addK8sCommand(program, context);
  addRuntimeCommand(program, context);
  addStorageCommand(program, context);
  return program;
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
