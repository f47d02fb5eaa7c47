/** Status events for tests. */
import type { CallFinished, CallOutcome, StatusEvent } from '@splitrock/core/plugin';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A call that ended with a small inline value; its numbers follow from its id. */
export function finishedCall(workerId: string, callId: number, attempt = 1): CallFinished {
  return {
    type: 'finished',
    callId,
    attempt,
    workerId,
    slot: callId % 4,
    startedAtMs: 1_700_000_000_000 + callId,
    finishedAtMs: 1_700_000_000_010 + callId,
    outcome: { kind: 'value', inline: bytes(`"result of call ${callId}"`) },
  };
}

/** What a worker tells of one call: its start, a line it printed, its end. */
export function lifeOfCall(workerId: string, callId: number, attempt = 1): StatusEvent[] {
  const finished = finishedCall(workerId, callId, attempt);
  const { slot, startedAtMs } = finished;
  return [
    { type: 'started', callId, attempt, workerId, slot, startedAtMs },
    { type: 'log', callId, attempt, workerId, stream: 'stdout', atMs: startedAtMs + 1, text: `call ${callId}\n` },
    finished,
  ];
}

/** One event of every kind, with every kind of outcome and every optional member. */
export function everyKindOfEvent(workerId: string): StatusEvent[] {
  const outcomes: CallOutcome[] = [
    { kind: 'value', inline: bytes('42') },
    { kind: 'value', inline: new Uint8Array() },
    { kind: 'value', key: 'jobs/somewhere/results/1', bytes: 1_234_567 },
    { kind: 'error', error: bytes('{"encoded":true}'), name: 'TypeError', message: 'Überraschung „😀“' },
    {
      kind: 'failed',
      error: { name: 'SerializationError', message: 'no', code: 'DATA_CORRUPT', retryable: false, details: { at: 1 } },
    },
    { kind: 'timeout', timeoutMs: 60_000, by: 'SIGKILL' },
    { kind: 'cancelled' },
    {
      kind: 'lost',
      reason: { kind: 'crash', message: 'worker process 4711 was killed by SIGSEGV', signal: 'SIGSEGV', workerId },
    },
  ];
  const finished = outcomes.map((outcome, callId): StatusEvent => ({ ...finishedCall(workerId, callId), outcome }));
  const usage = { cpuUserMs: 12.5, cpuSystemMs: 0.5, maxRssBytes: 90_000_000 };
  return [
    { type: 'started', callId: 0, attempt: 1, workerId, slot: 0, startedAtMs: 1_700_000_000_000.25 },
    {
      type: 'log',
      callId: -1,
      attempt: 0,
      workerId,
      stream: 'stderr',
      atMs: 1,
      text: 'output of nobody in particular\n',
    },
    {
      type: 'log',
      callId: 0,
      attempt: 1,
      workerId,
      stream: 'log',
      atMs: 2,
      text: 'line',
      extra: { level: 'info', fields: { a: [1] } },
    },
    ...finished,
    { ...finishedCall(workerId, finished.length), usage },
  ];
}
