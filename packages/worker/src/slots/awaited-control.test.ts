import { describe, expect, it } from 'vitest';
import type { SlotCall, SlotCalls, SlotControl } from '../protocol/slot-messages.ts';
import { AwaitedControl } from './awaited-control.ts';

const call = (callId: number): SlotCall => ({ callId, attempt: 1, input: new Uint8Array() });
const calls = (from: number, to: number): SlotCalls => ({
  type: 'calls',
  firstSequence: from,
  calls: Array.from({ length: to - from }, (_, index) => call(from + index)),
});

function setUp(callsPerProcess: number): { control: AwaitedControl; sent: () => unknown[] } {
  const messages: (SlotCalls | SlotControl)[] = [];
  const control = new AwaitedControl(callsPerProcess, (message) => messages.push(message));
  return { control, sent: () => messages.splice(0) };
}

describe('a slot whose control thread is not started', () => {
  it('gets calls that begin at once without it', () => {
    const { control, sent } = setUp(2);
    control.run(calls(0, 1));
    control.run(calls(1, 2));
    expect(sent()).toEqual([calls(0, 1), calls(1, 2)]);
    control.finished();
    control.run(calls(2, 3));
    expect(sent()).toEqual([calls(2, 3)]);
  });

  it('has it started before calls that must wait in it', () => {
    const { control, sent } = setUp(1);
    control.run(calls(0, 3));
    expect(sent()).toEqual([{ type: 'control' }, calls(0, 3)]);
    expect(control.recall()).toBeUndefined();
  });

  it('gets calls that would wait behind one that may block it when that has ended', () => {
    const { control, sent } = setUp(1);
    control.run(calls(0, 1));
    control.run(calls(1, 2));
    control.run(calls(2, 4));
    expect(sent()).toEqual([calls(0, 1)]);
    control.finished();
    expect(sent()).toEqual([{ type: 'control' }, calls(1, 4)]);
    control.run(calls(4, 6));
    expect(sent()).toEqual([calls(4, 6)]);
  });

  it('gets as many as it has room for', () => {
    const { control, sent } = setUp(3);
    control.run(calls(0, 2));
    control.run(calls(2, 5));
    expect(sent()).toEqual([calls(0, 2), calls(2, 3)]);
    expect(control.recall()).toEqual({ fromSequence: 3 });
  });

  it('goes on behind the numbers of calls that were taken back before they came', () => {
    const { control, sent } = setUp(1);
    control.run(calls(0, 1));
    control.run(calls(1, 4));
    expect(control.recall()).toEqual({ fromSequence: 1 });
    expect(control.recall()).toEqual({ fromSequence: undefined });
    control.finished();
    control.run(calls(4, 5));
    control.finished();
    control.run(calls(5, 6));
    expect(sent()).toEqual([calls(0, 1), { ...calls(4, 5), afterGap: true }, calls(5, 6)]);
  });
});
