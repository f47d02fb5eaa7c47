/**
 * Entry of a slot process. Descriptors that the worker made for it: 3 brings messages, 4 takes answers, 5 is the control
 * channel that a second thread watches (see `control-thread.ts`). All are closed to child processes by Node itself.
 *
 * Arguments: the worker's folder, and `unwatched` when the second thread is to be started later, when the worker says so.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { FrameDecoder, encodeFrame } from '../channel/frame-decoder.ts';
import { siblingModule } from '../runtime/sibling-module.ts';
import { Claims } from '../protocol/claims.ts';
import {
  decodeMessage,
  encodeMessage,
  type FromSlot,
  type SlotControl,
  type ToSlot,
} from '../protocol/slot-messages.ts';
import type { ControlThreadData } from './control-thread.ts';
import { endWithWorker } from './end-with-worker.ts';
import { serveSlot } from './serve-slot.ts';

const MESSAGES_FD = 3;
const ANSWERS_FD = 4;
const CONTROL_FD = 5;

const [workerDirectory, watched] = process.argv.slice(2) as [string, string?];
const end = (): void => endWithWorker(workerDirectory);
const claims = new Claims();
if (watched !== 'unwatched') startControlThread();
/** Encoded messages that leave with the next write. */
let unsent: Buffer[] = [];
const receive = serveSlot({ claims, post, postSoon, die });
const decoder = new FrameDecoder();
const messages = new Socket({ fd: MESSAGES_FD, readable: true, writable: false });
messages.on('data', (chunk: Buffer) => {
  for (const payload of decoder.push(chunk)) {
    const message = decodeMessage<ToSlot | SlotControl>(payload);
    if (message.type === 'control') startControlThread();
    else receive(message);
  }
});
messages.on('error', end).on('close', end);

/** Descriptor 4 blocks: when this returns, the worker has the message, whatever happens to this process next. */
function post(message: FromSlot): void {
  unsent.push(encodeFrame(encodeMessage(message)));
  send();
}

function postSoon(message: FromSlot): void {
  unsent.push(encodeFrame(encodeMessage(message)));
  if (unsent.length === 1) setImmediate(send);
}

function send(): void {
  if (unsent.length === 0) return;
  const frames = unsent.length === 1 ? (unsent[0] as Buffer) : Buffer.concat(unsent);
  unsent = [];
  let written = 0;
  try {
    while (written < frames.length) written += writeSync(ANSWERS_FD, frames, written);
  } catch {
    // Nobody reads any more: the worker is gone, and this thread knows it before the other one.
    end();
  }
}

/** Runs nothing of the user's, unlike `process.exit`. */
function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable');
}

function startControlThread(): void {
  const thread = new Worker(siblingModule(import.meta.url, './control-thread'), {
    workerData: {
      fd: CONTROL_FD,
      claims: claims.memory,
      workerDirectory,
    } satisfies ControlThreadData,
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
  });
  thread.unref();
}
