/** Why a worker process ended, from what the kernel says of it. */
import type { LossReason } from '@splitrock/core/plugin';

export interface ExitFacts {
  readonly workerId: string;
  readonly pid: number;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what the process wrote to its standard error. */
  readonly stderr: string;
}

/** V8's last words, whatever the Node version, when the heap limit is reached. */
const HEAP_FULL = /FATAL ERROR: .*(heap out of memory|Reached heap limit)/;

export function describeWorkerExit({ workerId, pid, exitCode, signal, stderr }: ExitFacts): LossReason {
  const common = { workerId, ...(exitCode === null ? {} : { exitCode }), ...(signal === null ? {} : { signal }) };
  if (HEAP_FULL.test(stderr)) {
    return { kind: 'out-of-memory', message: `worker process ${pid} ran out of JavaScript heap`, ...common };
  }
  if (signal !== null) return { kind: 'crash', message: `worker process ${pid} was killed by ${signal}`, ...common };
  return { kind: 'exit', message: `worker process ${pid} exited with code ${exitCode}`, ...common };
}
