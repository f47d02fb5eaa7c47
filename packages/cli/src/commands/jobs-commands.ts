/** `splitrock clean` and `splitrock jobs`. */
import type { Command } from 'commander';
import type { CliContext, CommonOptions } from '../cli-context.ts';
import { withConfigOptions, withJson } from '../common-options.ts';
import type { CleanOptions } from '../jobs/clean.ts';

const collect = (value: string, others: readonly string[] = []): readonly string[] => [...others, value];

export function addJobsCommands(program: Command, context: CliContext): void {
  withJson(withConfigOptions(program.command('clean')))
    .summary('remove what jobs left behind')
    .description(
      'Removes what jobs left in storage and with the backend. Without a selection: jobs whose program is gone from this machine, ' +
        'and jobs without a sign of life for a day. Jobs of other tenants, jobs whose program is running here, and jobs that were ' +
        'active in the last ten minutes are kept unless they are named.',
    )
    .option('--job <id>', 'this job, whatever its state; may be repeated', collect)
    .option('--executor <id>', 'all jobs of this executor, whatever their state; may be repeated', collect)
    .option('--older-than <duration>', 'jobs without a sign of life for so long: 90m, 12h, 7d')
    .option('--all', 'all jobs of this tenant that are not running')
    .option('--functions', 'also the functions that no remaining job uses; not while jobs are being started')
    .option('-n, --dry-run', 'only say what would be removed')
    .addHelpText(
      'after',
      '\nExamples:\n  splitrock clean --dry-run\n  splitrock clean --older-than 7d\n  splitrock clean --job k3v0q8w1xz2a-1',
    )
    .action(async (options: CleanOptions) => (await import('../jobs/clean.ts')).clean(context, options));

  const jobs = program
    .command('jobs')
    .summary('list jobs and show one')
    .description('Lists the jobs that storage holds, and shows one.');
  withJson(withConfigOptions(jobs.command('list')))
    .summary('list all jobs in storage')
    .description('Lists all jobs in storage, of every tenant that shares it.')
    .action(async (options: CommonOptions) => (await import('../jobs/list-jobs.ts')).listJobs(context, options));
  withJson(withConfigOptions(jobs.command('show')))
    .summary('show one job')
    .description('Shows one job: its calls and how they ended, as far as storage knows.')
    .argument('<job>', 'the job’s id')
    .action(async (jobId: string, options: CommonOptions) =>
      (await import('../jobs/list-jobs.ts')).showJob(context, jobId, options),
    );
}
