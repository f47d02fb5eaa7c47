/** `splitrock clean`. */
import { cleanBackend, cleanMonitoring, cleanStorage } from '@splitrock/core';
import {
  FUNCTIONS_PREFIX,
  JOBS_PREFIX,
  executorPrefix,
  formatJobId,
  jobPrefix,
  parseJobId,
  systemClock,
  type JobRef,
  type Storage,
} from '@splitrock/core/plugin';
import type { CliContext, CommonOptions } from '../cli-context.ts';
import { withServices, type CliServices } from '../composition.ts';
import { UsageError } from '../output/error-report.ts';
import { count, formatBytes, parseDuration } from '../output/quantities.ts';
import { decideClean, type CleanSelection } from './clean-policy.ts';
import { surveyJobs, type JobSurvey } from './survey-jobs.ts';

export interface CleanOptions extends CommonOptions {
  readonly job?: readonly string[];
  readonly executor?: readonly string[];
  readonly olderThan?: string;
  readonly all?: boolean;
  readonly functions?: boolean;
  readonly dryRun?: boolean;
}

interface KeptJob {
  readonly jobId: string;
  readonly reason: string;
}

export async function clean(context: CliContext, options: CleanOptions): Promise<void> {
  const plan = planOf(options);
  await withServices(context, options, async (services) => {
    const [config, storage] = [await services.config(), await services.storage()];
    const question = { tenant: config.value.tenant, selection: plan.selection, nowMs: systemClock.now() };
    const doomed: JobSurvey[] = [];
    const kept: KeptJob[] = [];
    for (const prefix of plan.prefixes) {
      for await (const survey of surveyJobs(storage, prefix, context.signal)) {
        const decision = decideClean(survey, question);
        if (decision.remove) doomed.push(survey);
        else kept.push({ jobId: survey.jobId, reason: decision.reason });
      }
    }
    const functions = options.functions === true ? await unusedFunctions(storage, kept, context.signal) : [];
    const removed = options.dryRun === true ? undefined : await remove(services, { doomed, functions, plan });
    tell(context, options, { doomed, kept, functions, removed });
  });
}

interface CleanPlan {
  readonly selection: CleanSelection;
  readonly prefixes: readonly string[];
  /** Named jobs and executors may have left something with the backend though storage knows nothing of them. */
  readonly jobs: readonly JobRef[];
  readonly executors: readonly string[];
}

function planOf(options: CleanOptions): CleanPlan {
  const { job: jobIds = [], executor: executors = [], olderThan, all } = options;
  const choices = [jobIds.length + executors.length > 0, olderThan !== undefined, all === true].filter(Boolean);
  if (choices.length > 1)
    throw new UsageError('Give --job and --executor, or --older-than, or --all, but not several of them.');
  if (jobIds.length + executors.length === 0) {
    return { selection: selectionOf(olderThan, all), prefixes: [JOBS_PREFIX], jobs: [], executors: [] };
  }
  const jobs = jobIds.map((jobId) => {
    const job = parseJobId(jobId);
    if (job === undefined)
      throw new UsageError(
        `${jobId} is no job’s id; they look like k3v0q8w1xz2a-1, and \`splitrock jobs list\` has them.`,
      );
    return job;
  });
  const wrong = executors.find((executorId) => !/^[a-z0-9]{12}$/.test(executorId));
  if (wrong !== undefined)
    throw new UsageError(`${wrong} is no executor’s id; they are the first part of a job’s id, like k3v0q8w1xz2a.`);
  return {
    selection: { kind: 'named' },
    prefixes: [...jobs.map(jobPrefix), ...executors.map(executorPrefix)],
    jobs,
    executors,
  };
}

function selectionOf(olderThan: string | undefined, all: boolean | undefined): CleanSelection {
  if (all === true) return { kind: 'all' };
  if (olderThan === undefined) return { kind: 'abandoned' };
  const ms = parseDuration(olderThan);
  if (ms === undefined) throw new UsageError(`--older-than takes a duration like 90m, 12h or 7d, not ${olderThan}.`);
  return { kind: 'older-than', ms };
}

/** Functions that no remaining job uses. */
async function unusedFunctions(
  storage: Storage,
  kept: readonly KeptJob[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const remaining = new Set(kept.map(({ jobId }) => jobId));
  const used = new Set<string>();
  for await (const { jobId, descriptor } of surveyJobs(storage, JOBS_PREFIX, signal)) {
    if (remaining.has(jobId) && descriptor !== undefined) used.add(descriptor.function.artifact);
  }
  const unused: string[] = [];
  for await (const { key } of storage.list(FUNCTIONS_PREFIX, { signal })) {
    const sha256 = key.slice(FUNCTIONS_PREFIX.length).split('.')[0] ?? '';
    if (!used.has(sha256)) unused.push(key);
  }
  return unused;
}

async function remove(
  services: CliServices,
  {
    doomed,
    functions,
    plan,
  }: { readonly doomed: readonly JobSurvey[]; readonly functions: readonly string[]; readonly plan: CleanPlan },
): Promise<Record<string, number>> {
  const removed: Record<string, number> = {};
  const add = (counts: Readonly<Record<string, number>>): void => {
    for (const [kind, amount] of Object.entries(counts)) removed[kind] = (removed[kind] ?? 0) + amount;
  };
  const storage = await services.storage();
  const named = new Map([...plan.jobs, ...doomed.map(({ job }) => job)].map((job) => [formatJobId(job), job]));
  const jobs = [...named.values()];
  // With nothing to remove the backend need not even be there.
  if (jobs.length + plan.executors.length > 0) {
    const backend = await services.backend();
    add((await cleanBackend(backend, jobs)).removed);
    for (const executorId of plan.executors) add((await backend.clean({ executorId })).removed);
  }
  // Workers first: what still runs would write again.
  add({ objects: await cleanStorage(storage, jobs) });
  if (jobs.length > 0) add((await cleanMonitoring(await services.subscriber(), jobs)).removed);
  await storage.deleteMany(functions);
  add({ objects: functions.length });
  return removed;
}

interface CleanResult {
  readonly doomed: readonly JobSurvey[];
  readonly kept: readonly KeptJob[];
  readonly functions: readonly string[];
  /** `undefined` in a dry run. */
  readonly removed: Readonly<Record<string, number>> | undefined;
}

function tell({ output }: CliContext, options: CleanOptions, { doomed, kept, functions, removed }: CleanResult): void {
  const jobs = doomed.map(({ jobId, objects, bytes }) => ({ jobId, objects, bytes }));
  if (options.json === true) {
    output.json({ dryRun: removed === undefined, jobs, functions, kept, removed: removed ?? {} });
    return;
  }
  for (const { jobId, objects, bytes } of jobs) {
    output.line(
      `${removed === undefined ? 'would remove' : 'removed'} ${jobId} (${count(objects, 'object')}, ${formatBytes(bytes)})`,
    );
  }
  if (functions.length > 0)
    output.line(
      `${removed === undefined ? 'would remove' : 'removed'} ${count(functions.length, 'object')} of functions`,
    );
  for (const { jobId, reason } of kept) output.line(`kept ${jobId}: ${reason}`);
  if (jobs.length + functions.length === 0) output.line('nothing to remove');
  const others = Object.entries(removed ?? {}).filter(([kind, amount]) => kind !== 'objects' && amount > 0);
  for (const [kind, amount] of others) output.line(`removed ${amount} ${kind}`);
}
