import { deserialize, serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { encodeQuickCalls, encodeQuickFinished } from './quick-messages.ts';
import { decodeMessage, encodeMessage, type SlotCalls, type SlotFinished } from './slot-messages.ts';

const bytes = (...values: number[]): Uint8Array => new Uint8Array(Buffer.from(values));
const sent = (message: SlotCalls | SlotFinished): unknown => decodeMessage(Buffer.from(encodeMessage(message)));
/** Views and copies are the same message. */
const plain = (message: unknown): unknown => deserialize(serialize(message));

const CALLS: SlotCalls = {
  type: 'calls',
  firstSequence: 2 ** 40,
  calls: [
    { callId: 0, attempt: 1, input: bytes() },
    { callId: 4_294_967_295, attempt: 3, input: bytes(0, 255, 1) },
  ],
};
const FINISHED: SlotFinished = {
  type: 'finished',
  sequence: 7,
  startedAtMs: 1_764_536_400_123.25,
  finishedAtMs: 1_764_536_400_124.5,
  outcome: { kind: 'value', inline: bytes(9, 8, 7) },
};
const USAGE = { cpuUserMs: 0.25, cpuSystemMs: 0, maxRssBytes: 2 ** 35 };
const OUTPUT = { stdout: [0, 12], stderr: [2 ** 33, 2 ** 33 + 1] } as const;

describe('messages that every call needs', () => {
  it.each<[string, SlotCalls | SlotFinished]>([
    ['calls', CALLS],
    ['calls after a gap', { ...CALLS, afterGap: true }],
    ['no calls', { ...CALLS, calls: [] }],
    ['an end', FINISHED],
    ['an end without bytes', { ...FINISHED, outcome: { kind: 'value', inline: bytes() } }],
    ['an end with usage', { ...FINISHED, usage: USAGE }],
    ['an end with output', { ...FINISHED, output: OUTPUT }],
    ['an end with both', { ...FINISHED, usage: USAGE, output: OUTPUT }],
  ])('arrive as they were sent: %s', (_name, message) => {
    expect(encodeMessage(message)[0]).toBe(message.type === 'calls' ? 1 : 2);
    expect(plain(sent(message))).toEqual(message);
  });

  it.each<[string, SlotCalls | SlotFinished]>([
    ['an input in storage', { ...CALLS, calls: [{ callId: 1, attempt: 1, input: { key: 'k', from: 0 } as never }] }],
    ['a call id that takes more bits', { ...CALLS, calls: [{ callId: 2 ** 32, attempt: 1, input: bytes() }] }],
    ['a stored result', { ...FINISHED, outcome: { kind: 'value', key: 'k', bytes: 5 } }],
    ['an error', { ...FINISHED, outcome: { kind: 'error', error: bytes(1), name: 'E', message: 'm' } }],
    ['last words', { ...FINISHED, lastWords: true }],
  ])('are cloned as all others where they do not fit: %s', (_name, message) => {
    const quick = message.type === 'calls' ? encodeQuickCalls(message) : encodeQuickFinished(message);
    expect(quick).toBeUndefined();
    expect(plain(sent(message))).toEqual(message);
  });
});
