import type { CallRecord } from '../src/index.ts';

export const EPOCH_MS = 1_700_000_000_000;

/** A call that ran from `start` to `end`, in seconds after the epoch of the tests; submitted at 0 unless said. */
export function call(start: number, end: number, rest: Partial<CallRecord> = {}): CallRecord {
  return {
    callId: 0,
    jobName: 'resize',
    workerId: 'worker-a',
    slot: 0,
    attempt: 1,
    submittedAtMs: EPOCH_MS,
    startedAtMs: EPOCH_MS + 1000 * start,
    finishedAtMs: EPOCH_MS + 1000 * end,
    outcome: 'value',
    ...rest,
  };
}

/** Calls of one length, one after the other on so many slots of four to a worker; one in fifty fails. */
export function* steadyCalls(calls: number, slots: number, seconds = 1): Generator<CallRecord> {
  for (let callId = 0; callId < calls; callId += 1) {
    const lane = callId % slots;
    const start = Math.floor(callId / slots) * seconds;
    const outcome = callId % 50 === 49 ? 'error' : 'value';
    yield call(start, start + seconds, { callId, workerId: `worker-${Math.floor(lane / 4)}`, slot: lane % 4, outcome });
  }
}

/** What stands between the tags of text elements. */
export const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text as string);

/** The drawn shapes of one kind of mark, as their attributes. */
export function marksOf(svg: string, kind: 'rect' | 'area' | 'line'): string[] {
  const groups = svg.matchAll(new RegExp(`<g class="mark-${kind} role-mark[^"]*"[^>]*>(.*?)</g>`, 'gs'));
  return [...groups].flatMap(([, content]) =>
    [...(content as string).matchAll(/<path ([^>]*)\/?>/g)].map(([, path]) => path as string),
  );
}
