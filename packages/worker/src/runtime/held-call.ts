/** A call as the worker's shell holds it: with the lease that it answers and the input it came with. */
import { decodeInputPart, formatJobId, type CallLease, type InputPart, type JobRef } from '@splitrock/core/plugin';
import type { HeldCall } from '../assignment/assignment-types.ts';
import type { SlotCall } from '../protocol/slot-messages.ts';

export interface LeasedCall extends HeldCall {
  readonly jobRef: JobRef;
  readonly lease: CallLease;
  readonly input: (callId: number) => Uint8Array | InputPart;
}

/** One object per call of a lease. */
export function leasedCalls(lease: CallLease): LeasedCall[] {
  const job = formatJobId(lease.job);
  const input = inputsOf(lease);
  const calls: LeasedCall[] = [];
  for (let callId = lease.calls.from; callId < lease.calls.to; callId += 1) {
    calls.push({ job, jobRef: lease.job, callId, attempt: lease.attempt, lease, input });
  }
  return calls;
}

export const slotCall = ({ callId, attempt, input }: LeasedCall): SlotCall => ({
  callId,
  attempt,
  input: input(callId),
});

/** Inputs that came with the lease are cut out when their call is handed to a slot. */
function inputsOf({ inlineInputs, part }: CallLease): (callId: number) => Uint8Array | InputPart {
  if (inlineInputs !== undefined) {
    let inputs: ReturnType<typeof decodeInputPart> | undefined;
    return (callId) => {
      try {
        return (inputs ??= decodeInputPart(inlineInputs)).payload(callId);
      } catch {
        return DAMAGED;
      }
    };
  }
  return () => part ?? DAMAGED;
}

/** No input's payload is empty; the slot makes the call fail with the error that says so. */
const DAMAGED = new Uint8Array();
