/** Arithmetic of call ranges. */
import type { CallRange } from '../contracts/calls.ts';

/** The parts of a range whose calls pass the test, in order. */
export function* subranges(calls: CallRange, accepts: (callId: number) => boolean): Generator<CallRange> {
  let from = calls.from;
  for (let callId = calls.from; callId <= calls.to; callId += 1) {
    if (callId < calls.to && accepts(callId)) continue;
    if (callId > from) yield { from, to: callId };
    from = callId + 1;
  }
}
