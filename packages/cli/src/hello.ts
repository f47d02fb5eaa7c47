/** `splitrock hello`: a small real job on the configured backend. */
import { FunctionExecutor, type CallRecord } from '@splitrock/core';
import { executorOptionsOf, type CliContext, type CommonOptions } from './cli-context.ts';
import { withServices } from './composition.ts';
import { hello, type HelloAnswer } from './hello-call.ts';
import { UsageError } from './output/error-report.ts';
import { count, formatDuration } from './output/quantities.ts';

export interface HelloOptions extends CommonOptions {
  readonly calls: string;
}

export async function sayHello(context: CliContext, options: HelloOptions): Promise<void> {
  const calls = Number(options.calls);
  if (!Number.isInteger(calls) || calls < 1)
    throw new UsageError(`--calls is a whole number from 1, not ${options.calls}.`);
  // Looked at first: a wrong configuration is told before anything is started.
  const names = await withServices(context, options, async (services) => {
    const { backend, storage, monitoring } = await services.plugins();
    return { backend: backend.plugin.name, storage: storage.plugin.name, monitoring: monitoring.plugin.name };
  });

  const startedAtMs = performance.now();
  const executor = new FunctionExecutor(executorOptionsOf(context, options));
  try {
    const job = executor.map(
      hello,
      Array.from({ length: calls }, (_, index) => index),
      { name: 'hello', signal: context.signal },
    );
    job.on('job:diagnosis', ({ severity, code, message }) => {
      if (severity !== 'info') context.output.note(`${severity} ${code}: ${message}`);
    });
    const answers = await job.result();
    tell(context, options, { names, answers, records: job.records(), tookMs: performance.now() - startedAtMs });
  } finally {
    await executor.dispose();
  }
}

interface HelloResult {
  readonly names: { readonly backend: string; readonly storage: string; readonly monitoring: string };
  readonly answers: readonly HelloAnswer[];
  readonly records: readonly CallRecord[];
  readonly tookMs: number;
}

function tell({ output }: CliContext, options: HelloOptions, { names, answers, records, tookMs }: HelloResult): void {
  const byCall = new Map(records.map((record) => [record.callId, record]));
  const rows = answers.map((answer, callId) => {
    const record = byCall.get(callId);
    return {
      call: callId,
      worker: record?.workerId ?? '?',
      ...answer,
      tookMs: record === undefined ? 0 : record.finishedAtMs - record.startedAtMs,
    };
  });
  if (options.json === true) {
    output.json({ ...names, tookMs, calls: rows });
    return;
  }
  output.table(
    ['CALL', 'WORKER', 'HOST', 'PROCESS', 'NODE', 'TOOK'],
    rows.map(({ call, worker, host, pid, node, tookMs: ms }) => [
      String(call),
      worker,
      host,
      String(pid),
      node,
      formatDuration(ms),
    ]),
  );
  const { backend, storage, monitoring } = names;
  output.line(
    `Hello! ${count(answers.length, 'call')} on backend ${backend} with storage ${storage} and monitoring ${monitoring}, in ${formatDuration(tookMs)}.`,
  );
}
