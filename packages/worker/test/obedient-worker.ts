/**
 * A worker reduced to its call source: it does with each lease what the lease's first payload byte says, so that tests
 * see what the source makes of it. Not the worker runtime: it runs no functions.
 */
import { Socket } from 'node:net';
import { decodeInputPart, type CallLease } from '@splitrock/core/plugin';
import { StreamCallSource } from '../src/stream/stream-call-source.ts';

const source = new StreamCallSource(() => new Socket({ fd: 4 }));

const actions: Readonly<Record<number, (lease: CallLease, callId: number) => void>> = {
  0: (lease, callId) => lease.started?.(callId),
  1: (lease, callId) => {
    lease.started?.(callId);
    lease.done(callId);
  },
  2: (lease, callId) => lease.giveBack(callId),
  3: (lease, callId) => lease.giveBack(callId, { kind: 'exit', message: 'slot process 5 exited with code 1' }),
};

await source.start({
  deliver(lease) {
    const inputs = decodeInputPart(lease.inlineInputs ?? new Uint8Array());
    for (let callId = lease.calls.from; callId < lease.calls.to; callId += 1) {
      actions[inputs.payload(callId)[0] as number]?.(lease, callId);
    }
  },
  cancel: ({ calls }) => source.setCapacity(1_000 + (calls?.length ?? 0)),
  endJob: ({ jobNumber }) => source.setCapacity(2_000 + jobNumber),
  shutdown({ graceMs }) {
    // The exit code tells the test what arrived here.
    void source
      .flush()
      .then(() => source.stop())
      .then(() => process.exit(10 + graceMs));
  },
});
source.setCapacity(8);
