/** `splitrock jobs list` and `splitrock jobs show`. */
import {
  JOBS_PREFIX,
  decodeStatusSegment,
  jobPrefix,
  parseJobId,
  statusPrefix,
  type JobRef,
  type Storage,
} from '@splitrock/core/plugin';
import type { CliContext, CommonOptions } from '../cli-context.ts';
import { withServices } from '../composition.ts';
import { UsageError } from '../output/error-report.ts';
import { formatBytes, formatMoment } from '../output/quantities.ts';
import { surveyJobs, type JobSurvey } from './survey-jobs.ts';

export async function listJobs(context: CliContext, options: CommonOptions): Promise<void> {
  const { output, signal } = context;
  await withServices(context, options, async (services) => {
    const surveys = await collect(surveyJobs(await services.storage(), JOBS_PREFIX, signal));
    if (options.json === true) {
      output.json(surveys.map(summaryOf));
      return;
    }
    const rows = surveys.map((survey) => {
      const { jobId, name, tenant, calls, client, lastActivityAt, bytes } = summaryOf(survey);
      return [
        jobId,
        name ?? '?',
        tenant ?? '?',
        String(calls ?? '?'),
        client,
        lastActivityAt.slice(0, 19).replace('T', ' '),
        formatBytes(bytes),
      ];
    });
    output.table(['JOB', 'NAME', 'TENANT', 'CALLS', 'CLIENT', 'LAST ACTIVITY', 'SIZE'], rows);
  });
}

interface JobSummary {
  readonly jobId: string;
  readonly name?: string;
  readonly tenant?: string;
  /** Null while inputs are still being read. */
  readonly calls?: number | null;
  readonly createdAt?: string;
  readonly lastActivityAt: string;
  readonly client: JobSurvey['client'];
  readonly detached: boolean;
  readonly objects: number;
  readonly bytes: number;
}

function summaryOf({ jobId, descriptor, client, detached, objects, bytes, lastActivityAtMs }: JobSurvey): JobSummary {
  const lastActivityAt = new Date(lastActivityAtMs).toISOString();
  const known = descriptor && {
    name: descriptor.name,
    tenant: descriptor.tenant,
    calls: descriptor.calls,
    createdAt: new Date(descriptor.createdAtMs).toISOString(),
  };
  return { jobId, ...known, lastActivityAt, client, detached, objects, bytes };
}

export async function showJob(context: CliContext, jobId: string, options: CommonOptions): Promise<void> {
  const { output, signal } = context;
  const job = parseJobId(jobId);
  if (job === undefined)
    throw new UsageError(
      `${jobId} is no job’s id; they look like k3v0q8w1xz2a-1, and \`splitrock jobs list\` has them.`,
    );
  await withServices(context, options, async (services) => {
    const storage = await services.storage();
    const [survey] = await collect(surveyJobs(storage, jobPrefix(job), signal));
    if (survey === undefined) {
      throw Object.assign(new Error(`No job ${jobId} is in storage; \`splitrock jobs list\` lists those that are.`), {
        code: 'JOB_NOT_FOUND',
      });
    }
    const summary = summaryOf(survey);
    const ended = await endedCalls(storage, job, signal);
    if (options.json === true) {
      output.json({ ...summary, timeoutMs: survey.descriptor?.run.timeoutMs ?? null, ended });
      return;
    }
    const endings = Object.entries(ended).map(([outcome, amount]) => `${amount} ${outcome}`);
    output.table(
      ['JOB', jobId],
      [
        ['name', summary.name ?? '?'],
        ['tenant', summary.tenant ?? '?'],
        ['created', survey.descriptor === undefined ? '?' : formatMoment(survey.descriptor.createdAtMs)],
        ['last activity', formatMoment(survey.lastActivityAtMs)],
        ['client', `${survey.client}${survey.detached ? ', detached' : ''}`],
        ['calls', String(summary.calls ?? 'still growing')],
        ['ended', endings.length === 0 ? 'none that storage knows of' : endings.join(', ')],
        ['storage', `${survey.objects} objects, ${formatBytes(survey.bytes)}`],
      ],
    );
  });
}

/** How many calls ended how, by the last status of each that is in storage; other monitorings leave none there. */
async function endedCalls(storage: Storage, job: JobRef, signal: AbortSignal): Promise<Record<string, number>> {
  const last = new Map<number, { readonly attempt: number; readonly outcome: string }>();
  for await (const { key } of storage.list(statusPrefix(job), { signal })) {
    for (const event of decodeStatusSegment(await storage.get(key, { signal }))) {
      if (event.type !== 'finished' || (last.get(event.callId)?.attempt ?? 0) > event.attempt) continue;
      last.set(event.callId, { attempt: event.attempt, outcome: event.outcome.kind });
    }
  }
  const counts: Record<string, number> = {};
  for (const { outcome } of last.values()) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
