/** Why a slot process ended, told from its exit code or signal, its last words and the kernel's counters. */
import { constants } from 'node:os';
import type { LossReason } from '@splitrock/core/plugin';

export interface DeathFacts {
  readonly workerId: string;
  readonly pid: number | undefined;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The process could not be started at all. */
  readonly startError?: Error;
  /** What the worker killed it for, when that was its memory. */
  readonly killedForMemory?: string;
  /** The kernel's out-of-memory killer struck in the process's memory cgroup meanwhile. */
  readonly kernelOutOfMemory: boolean;
  /** The last of what it wrote to stderr. */
  readonly stderrTail: string;
}

/** Signals with which V8 ends a process whose heap is full; which one depends on version and platform. */
const V8_ABORT_SIGNALS: ReadonlySet<string> = new Set(['SIGABRT', 'SIGTRAP', 'SIGILL']);
const V8_OUT_OF_MEMORY = /^FATAL ERROR: .*(heap out of memory|out of memory)/im;

export function classifyDeath(facts: DeathFacts): LossReason {
  const { workerId, pid, exitCode, signal } = facts;
  const who = `slot process ${pid ?? '(not started)'}`;
  if (facts.startError !== undefined) {
    return {
      kind: 'start-failed',
      message: `A slot process could not be started: ${facts.startError.message}`,
      workerId,
    };
  }
  const ended = { workerId, ...(signal === null ? {} : { signal }), ...(exitCode === null ? {} : { exitCode }) };
  const memory = memoryTrouble(facts);
  if (memory !== undefined) return { kind: 'out-of-memory', message: `${who} ${memory}`, ...ended };
  if (signal !== null) {
    return { kind: 'crash', message: `${who} was ended by ${signal}${signalHint(signal)}`, ...ended };
  }
  return { kind: 'exit', message: `${who} ended itself with exit code ${exitCode ?? 'unknown'}`, ...ended };
}

function memoryTrouble({ killedForMemory, kernelOutOfMemory, signal, stderrTail }: DeathFacts): string | undefined {
  if (killedForMemory !== undefined) return killedForMemory;
  if (signal === 'SIGKILL' && kernelOutOfMemory) return "was killed by the kernel's out-of-memory killer (SIGKILL)";
  if (signal !== null && V8_ABORT_SIGNALS.has(signal) && V8_OUT_OF_MEMORY.test(stderrTail)) {
    return `ended because its JavaScript heap was full (${signal})`;
  }
  return undefined;
}

function signalHint(signal: NodeJS.Signals): string {
  const number = constants.signals[signal];
  if (signal === 'SIGKILL') return ` (${number}): something outside the worker killed it`;
  if (signal === 'SIGSEGV' || signal === 'SIGBUS') return ` (${number}): native code made a bad memory access`;
  return ` (${number})`;
}
