/** `splitrock doctor`. */
import type { CliContext, CommonOptions } from '../cli-context.ts';
import { withServices } from '../composition.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { UsageError } from '../output/error-report.ts';
import { formatDuration, parseDuration } from '../output/quantities.ts';
import { runChecks, type CheckResult } from './check.ts';
import { machineChecks } from './machine-checks.ts';
import { serviceChecks } from './service-checks.ts';

export interface DoctorOptions extends CommonOptions {
  readonly timeout: string;
}

export async function doctor(context: CliContext, options: DoctorOptions): Promise<void> {
  const backendDeadlineMs = parseDuration(options.timeout);
  if (backendDeadlineMs === undefined)
    throw new UsageError(`--timeout takes a duration like 90s or 5m, not ${options.timeout}.`);
  const results = await withServices(context, options, (services) => {
    const checks = [...machineChecks(context), ...serviceChecks(context, { ...options, backendDeadlineMs }, services)];
    return runChecks(checks, (result) => {
      if (options.json !== true) tell(context, result);
    });
  });
  const failed = results.filter(({ status }) => status === 'fail').length;
  if (options.json === true) context.output.json({ healthy: failed === 0, checks: results });
  else context.output.line(failed === 0 ? 'everything works' : `${failed} of ${results.length} checks failed`);
  if (failed > 0) context.setExitCode(EXIT_CODES.failure);
}

function tell({ output }: CliContext, { name, status, message, remedy, tookMs }: CheckResult): void {
  const [first = '', ...rest] = message.split('\n');
  output.line(
    `${status.padEnd(4)}  ${name.padEnd(17)}  ${first}${tookMs >= 100 ? ` (${formatDuration(tookMs)})` : ''}`,
  );
  for (const line of rest) output.line(`${' '.repeat(25)}${line}`);
  if (remedy !== undefined) output.line(`${' '.repeat(25)}→ ${remedy}`);
}
