/** `splitrock hello`, `splitrock run` and `splitrock doctor`. */
import type { Command } from 'commander';
import type { CliContext } from '../cli-context.ts';
import { withConfigOptions, withJson } from '../common-options.ts';
import type { DoctorOptions } from '../doctor/doctor.ts';
import type { HelloOptions } from '../hello.ts';
import type { RunOptions } from '../run/run-script.ts';

export function addRunCommands(program: Command, context: CliContext): void {
  withJson(withConfigOptions(program.command('hello')))
    .summary('run a small job and say where it ran')
    .description('Runs a small real job on the configured backend and says what ran where, and how long it took.')
    .option('-n, --calls <number>', 'how many calls', '4')
    .addHelpText('after', '\nExamples:\n  splitrock hello\n  splitrock hello --backend k8s --calls 20')
    .action(async (options: HelloOptions) => (await import('../hello.ts')).sayHello(context, options));

  withConfigOptions(program.command('run'))
    .summary('run a script, with progress')
    .description(
      'Runs a TypeScript or JavaScript file and shows the progress of its jobs on standard error: bars on a terminal, lines in a log. ' +
        'Ends with the script’s exit code. Ctrl-C cancels the jobs first; a second one ends the script at once.',
    )
    .argument('<file>', 'the script')
    .argument('[args...]', 'the script’s own arguments, after --')
    .option('--progress <how>', 'auto, lines or none', 'auto')
    .option('--logs', 'also show what the calls print, as they run')
    .addHelpText(
      'after',
      '\nExamples:\n  splitrock run resize.ts\n  splitrock run resize.ts --backend k8s -- --width 200',
    )
    .action(async (file: string, args: string[], options: RunOptions) =>
      (await import('../run/run-script.ts')).runScript(context, file, args, options),
    );

  withJson(withConfigOptions(program.command('doctor')))
    .summary('check that everything works')
    .description(
      'Tries everything that a job needs, one thing after the other, and says what to do where something does not work.',
    )
    .option('--timeout <duration>', 'how long the backend may take to run one call', '2m')
    .action(async (options: DoctorOptions) => (await import('../doctor/doctor.ts')).doctor(context, options));
}
