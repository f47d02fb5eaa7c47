import { encodeInputPart, decodeInputPart } from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import { Cancellations } from './cancellations.ts';
import { cutRanges, mergeRanges, subtractRanges } from './call-ranges.ts';
import { decodeCallMessage, encodeCallMessage, narrowMessage, type CallMessage } from './call-message.ts';
import { decodeLogEntry, encodeLogEntry, type LogEntry } from './log-entry.ts';

const job = { executorId: 'abcdefghijkl', jobNumber: 3 };
const stored: CallMessage = {
  job,
  calls: { from: 10, to: 20 },
  attempt: 2,
  submittedAtMs: 17.5,
  deaths: 1,
  part: { firstCall: 0, calls: 100 },
  avoidWorkers: ['w1'],
};
const { part: _part, ...rest } = stored;
const inputs = Array.from({ length: 10 }, (_, index) => new Uint8Array([0, index]));
const inline: CallMessage = { ...rest, inlineInputs: encodeInputPart(10, inputs) };

describe('call messages', () => {
  it.each([stored, inline])('are read as they were written', (message) => {
    const decoded = decodeCallMessage(encodeCallMessage(message));
    expect({ ...decoded, inlineInputs: Buffer.from(decoded.inlineInputs ?? []) }).toEqual({
      ...message,
      inlineInputs: Buffer.from(message.inlineInputs ?? []),
    });
  });

  it('are cut with exactly the inputs of their calls', () => {
    const narrow = narrowMessage(inline, { from: 13, to: 15 });
    const part = decodeInputPart(narrow.inlineInputs as Uint8Array);
    expect(part.part).toEqual({ firstCall: 13, calls: 2 });
    expect([...part.payload(14)]).toEqual([0, 4]);
    expect(narrowMessage(stored, { from: 13, to: 15 })).toEqual({ ...stored, calls: { from: 13, to: 15 } });
  });

  it('that are damaged are refused', () => {
    const bytes = encodeCallMessage({ ...stored, calls: { from: 5, to: 5 } });
    expect(() => decodeCallMessage(bytes)).toThrow(expect.objectContaining({ code: 'DATA_CORRUPT' }) as Error);
  });
});

describe('log entries', () => {
  const entries: LogEntry[] = [
    { type: 'job', job, weight: 2, descriptor: Buffer.from([1, 2]) },
    { type: 'cancel', job, atMs: 5, graceMs: 0, calls: [{ from: 1, to: 2 }] },
    { type: 'lost', job, attempt: 1, calls: [{ from: 0, to: 1 }], reason: { kind: 'crash', message: 'x' } },
    { type: 'worker-started', workerId: 'w', slots: 2, runtime: { nodeVersion: '24.0.0' } },
  ];

  it.each(entries)('of type $type are read as they were written', (entry) => {
    expect(decodeLogEntry(encodeLogEntry(entry))).toEqual(entry);
  });

  it('of a type that is not known are nothing', () => {
    expect(decodeLogEntry(encodeLogEntry({ type: 'poem' } as unknown as LogEntry))).toBeUndefined();
  });
});

describe('cancellations', () => {
  const cancel = { type: 'cancel', job, graceMs: 0 } as const;
  const all = [{ from: 0, to: 10 }];

  it('concern what was submitted before them', () => {
    const cancellations = new Cancellations();
    cancellations.add({ ...cancel, atMs: 100 });
    expect(cancellations.wanted(all, { attempt: 1, submittedAtMs: 99 })).toEqual([]);
    expect(cancellations.wanted(all, { attempt: 1, submittedAtMs: 101 })).toEqual(all);
  });

  it('are as narrow as they were asked for', () => {
    const cancellations = new Cancellations();
    cancellations.add({ ...cancel, atMs: 100, calls: [{ from: 2, to: 4 }], attempt: 2 });
    expect(cancellations.wanted(all, { attempt: 1, submittedAtMs: 1 })).toEqual(all);
    expect(cancellations.wanted(all, { attempt: 2, submittedAtMs: 1 })).toEqual([
      { from: 0, to: 2 },
      { from: 4, to: 10 },
    ]);
  });
});

describe('ranges', () => {
  it('are subtracted, merged and cut', () => {
    expect(
      subtractRanges(
        [{ from: 0, to: 10 }],
        [
          { from: 0, to: 2 },
          { from: 9, to: 12 },
        ],
      ),
    ).toEqual([{ from: 2, to: 9 }]);
    expect(
      mergeRanges([
        { from: 5, to: 6 },
        { from: 0, to: 3 },
        { from: 2, to: 5 },
      ]),
    ).toEqual([{ from: 0, to: 6 }]);
    expect(cutRanges([{ from: 0, to: 5 }], 2)).toEqual([
      { from: 0, to: 2 },
      { from: 2, to: 4 },
      { from: 4, to: 5 },
    ]);
  });
});
