/**
 * The two messages between a worker and its slots that every call needs, packed by hand: calls with the bytes of their
 * inputs, and the end of a call that returned a value. Structured clone takes ten times as long for them, and the rate of
 * short calls is what these messages cost.
 *
 * Little endian. The first byte tells them apart from structured clone, whose first byte is 0xff:
 *
 *     0x01  calls     flags u8 (1: after a gap), first sequence f64, count u32,
 *                     then for each: call u32, attempt u32, length u32, bytes
 *     0x02  finished  flags u8 (1: usage, 2: output), sequence f64, started f64, finished f64,
 *                     usage: user, system, resident f64; output: stdout from, to, stderr from, to f64; then the bytes
 */
import type { CallUsage } from '@splitrock/core/plugin';
import type { OutputMarks, SlotCall, SlotCalls, SlotFinished } from './slot-messages.ts';

export const QUICK_CALLS = 0x01;
export const QUICK_FINISHED = 0x02;

const CALLS_BYTES = 14;
const CALL_BYTES = 12;
const FINISHED_BYTES = 26;
const USAGE_BYTES = 24;
const OUTPUT_BYTES = 32;
const MAX_U32 = 0xffff_ffff;

const HAS_GAP = 1;
const HAS_USAGE = 1;
const HAS_OUTPUT = 2;

type QuickCall = SlotCall & { readonly input: Uint8Array };

const isQuickCall = (call: SlotCall): call is QuickCall =>
  call.input instanceof Uint8Array && call.callId >= 0 && call.callId <= MAX_U32 && call.attempt <= MAX_U32;

/** `undefined` when an input is not inline. */
export function encodeQuickCalls({ firstSequence, calls, afterGap }: SlotCalls): Buffer | undefined {
  if (!calls.every(isQuickCall)) return undefined;
  const total = calls.reduce((bytes, { input }) => bytes + CALL_BYTES + input.length, CALLS_BYTES);
  const buffer = Buffer.allocUnsafe(total);
  buffer[0] = QUICK_CALLS;
  buffer[1] = afterGap === true ? HAS_GAP : 0;
  buffer.writeDoubleLE(firstSequence, 2);
  buffer.writeUInt32LE(calls.length, 10);
  let offset = CALLS_BYTES;
  for (const { callId, attempt, input } of calls) {
    buffer.writeUInt32LE(callId, offset);
    buffer.writeUInt32LE(attempt, offset + 4);
    buffer.writeUInt32LE(input.length, offset + 8);
    buffer.set(input, offset + CALL_BYTES);
    offset += CALL_BYTES + input.length;
  }
  return buffer;
}

/** Inputs are views on the payload. */
export function decodeQuickCalls(payload: Buffer): SlotCalls {
  const calls: SlotCall[] = [];
  let offset = CALLS_BYTES;
  for (let left = payload.readUInt32LE(10); left > 0; left -= 1) {
    const end = offset + CALL_BYTES + payload.readUInt32LE(offset + 8);
    calls.push({
      callId: payload.readUInt32LE(offset),
      attempt: payload.readUInt32LE(offset + 4),
      input: viewOf(payload, offset + CALL_BYTES, end),
    });
    offset = end;
  }
  const message: SlotCalls = { type: 'calls', firstSequence: payload.readDoubleLE(2), calls };
  return payload[1] === HAS_GAP ? { ...message, afterGap: true } : message;
}

/** `undefined` for any other end than an inline value. */
export function encodeQuickFinished(message: SlotFinished): Buffer | undefined {
  const { outcome, usage, output, sequence, startedAtMs, finishedAtMs } = message;
  if (outcome.kind !== 'value' || !('inline' in outcome) || message.lastWords === true) return undefined;
  const numbers = [sequence, startedAtMs, finishedAtMs];
  if (usage !== undefined) numbers.push(usage.cpuUserMs, usage.cpuSystemMs, usage.maxRssBytes);
  if (output !== undefined) numbers.push(...output.stdout, ...output.stderr);
  const buffer = Buffer.allocUnsafe(2 + numbers.length * 8 + outcome.inline.length);
  buffer[0] = QUICK_FINISHED;
  buffer[1] = (usage === undefined ? 0 : HAS_USAGE) | (output === undefined ? 0 : HAS_OUTPUT);
  let offset = 2;
  for (const number of numbers) offset = buffer.writeDoubleLE(number, offset);
  buffer.set(outcome.inline, offset);
  return buffer;
}

/** The value is a view on the payload. */
export function decodeQuickFinished(payload: Buffer): SlotFinished {
  const flags = payload[1] as number;
  const usageAt = FINISHED_BYTES;
  const outputAt = usageAt + ((flags & HAS_USAGE) === 0 ? 0 : USAGE_BYTES);
  const valueAt = outputAt + ((flags & HAS_OUTPUT) === 0 ? 0 : OUTPUT_BYTES);
  return {
    type: 'finished',
    sequence: payload.readDoubleLE(2),
    startedAtMs: payload.readDoubleLE(10),
    finishedAtMs: payload.readDoubleLE(18),
    outcome: { kind: 'value', inline: viewOf(payload, valueAt, payload.length) },
    ...(outputAt === usageAt ? {} : { usage: readUsage(payload, usageAt) }),
    ...(valueAt === outputAt ? {} : { output: readOutput(payload, outputAt) }),
  };
}

const viewOf = ({ buffer, byteOffset }: Buffer, from: number, to: number): Uint8Array =>
  new Uint8Array(buffer, byteOffset + from, to - from);

const readUsage = (payload: Buffer, offset: number): CallUsage => ({
  cpuUserMs: payload.readDoubleLE(offset),
  cpuSystemMs: payload.readDoubleLE(offset + 8),
  maxRssBytes: payload.readDoubleLE(offset + 16),
});

const readOutput = (payload: Buffer, offset: number): OutputMarks => ({
  stdout: [payload.readDoubleLE(offset), payload.readDoubleLE(offset + 8)],
  stderr: [payload.readDoubleLE(offset + 16), payload.readDoubleLE(offset + 24)],
});
