/**
 * A client that tests kill. `argv`: `start CALLS MS` or `attach JOB`. Prints a JSON line for the job's id, for each
 * outcome, and at the end; attaching, it prints the outcomes of before as well.
 */
import { FunctionExecutor, type Job } from 'splitrock';

const say = (line: object): void => console.log(JSON.stringify(line));

/** Calls differ in length, up to twice as long as `ms`. */
function start(executor: FunctionExecutor, calls: number, ms: number): Job<number> {
  const inputs = Array.from({ length: calls }, (_, n) => ({ n, ms: ((n * 7_919) % 101) * 0.02 * ms }));
  return executor.map(
    async (input: { readonly n: number; readonly ms: number }) => {
      await new Promise((resolve) => setTimeout(resolve, input.ms));
      return input.n * 3 + 1;
    },
    inputs,
    { lostAttempts: 20 },
  );
}

const [, , command, first = '', second = ''] = process.argv;
const executor = new FunctionExecutor();
const job = command === 'attach' ? executor.attach<number>(first) : start(executor, Number(first), Number(second));
say({ job: job.id });
job.on('job:diagnosis', ({ severity, code, message }) => say({ severity, code, message }));
for await (const outcome of job.asCompleted()) {
  const { callId } = outcome;
  say(outcome.status === 'fulfilled' ? { callId, value: outcome.value } : { callId, error: String(outcome.reason) });
}
say({ end: true });
await executor.clean([job]);
await executor.dispose();
