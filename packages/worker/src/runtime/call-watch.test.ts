/** What a call has written is told as its own, whenever it is read. */
import { mkdtempSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { OutputFiles } from '../slots/output-files.ts';
import type { SlotHandle } from '../slots/slot-handle.ts';
import { CallWatch } from './call-watch.ts';
import type { LeasedCall } from './held-call.ts';

const JOB = { executorId: 'abcdefghijkl', jobNumber: 1 };
const callOf = (callId: number): LeasedCall => ({
  job: 'abcdefghijkl-1',
  jobRef: JOB,
  callId,
  attempt: 1,
  lease: { job: JOB, calls: { from: callId, to: callId + 1 }, attempt: 1, done() {}, giveBack() {} },
  input: () => new Uint8Array(),
});

let directory: string;
let output: OutputFiles;
let handle: SlotHandle;
let running: { call: LeasedCall; sequence: number; startedAtMs: number }[];
let beat: () => void;
let watch: CallWatch;
let texts: [callId: number, text: string][];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'splitrock-watch-'));
  output = new OutputFiles(directory, 'slot-0');
  handle = { pid: undefined, baseBytes: 0, output, capture: 'files', run() {}, abort() {}, recall() {}, kill() {} };
  running = [];
  texts = [];
  watch = new CallWatch({
    workerId: 'w1',
    clock: {
      now: () => 0,
      setTimer(callback) {
        beat = callback;
        return { cancel() {} };
      },
    },
    slots: () => [[0, handle]],
    running: () => running,
    emit: (_job, event) => {
      if (event.type === 'log') texts.push([event.callId, event.text]);
    },
    maxLogBytes: () => 1_000,
    memoryMiB: () => null,
  });
});
afterEach(() => {
  watch.stop();
  output.handedOver();
  output.close();
  rmSync(directory, { recursive: true });
});

/** As far as is known, this call runs in the slot. */
function runs(callId: number): void {
  running = [{ call: callOf(callId), sequence: callId, startedAtMs: 0 }];
  watch.wake();
}

/** It is heard that the running call has ended, and which part of the file is its own. */
function ended(from: number, to: number): void {
  const [first] = running;
  running = [];
  if (first !== undefined) watch.finished(handle, first.call, { stdout: [from, to], stderr: [0, 0] });
}

const write = (text: string): void => void writeSync(output.stdout.writeFd, text);
const afterNextPoll = async (): Promise<void> => {
  for (let turns = 0; turns < 3; turns += 1) await new Promise((resolve) => setImmediate(resolve));
};

it('is told while the call runs', async () => {
  runs(0);
  write('begun\n');
  beat();
  await afterNextPoll();
  expect(texts).toEqual([[0, 'begun\n']]);
  write('and gone on\n');
  ended(0, 18);
  expect(texts.slice(1)).toEqual([[0, 'and gone on\n']]);
});

it('is the next call’s, although the end of the one before is heard only after the files were looked at', async () => {
  runs(0);
  write('one\n');
  // In the slot the next call has begun; that is still on its way.
  write('two\n');
  beat();
  ended(0, 4);
  runs(1);
  await afterNextPoll();
  ended(4, 8);
  expect(texts).toEqual([
    [0, 'one\n'],
    [1, 'two\n'],
  ]);
});

it('is not read from a slot that is gone', async () => {
  runs(0);
  write('last words\n');
  beat();
  watch.died(0, handle);
  handle = { ...handle, output: undefined };
  await afterNextPoll();
  expect(texts).toEqual([[0, 'last words\n']]);
});
