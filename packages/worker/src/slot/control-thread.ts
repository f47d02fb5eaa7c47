/**
 * A slot process's second thread: it answers while the first one is in a busy loop.
 *
 * It takes back calls that have not begun when the worker asks, and it is the lifeline: when the worker is gone, however
 * it died, its end of the descriptor closes and this thread kills the slot with all child processes.
 */
import { Socket } from 'node:net';
import { workerData } from 'node:worker_threads';
import { FrameDecoder, encodeFrame } from '../channel/frame-decoder.ts';
import { Claims } from '../protocol/claims.ts';
import { encodeMessage } from '../protocol/slot-messages.ts';
import { endWithWorker } from './end-with-worker.ts';

export interface ControlThreadData {
  readonly fd: number;
  readonly claims: SharedArrayBuffer;
  /** The worker's folder, which nobody else removes when the worker was killed. */
  readonly workerDirectory: string;
}

const { fd, claims: memory, workerDirectory } = workerData as ControlThreadData;
const claims = new Claims(memory);
const decoder = new FrameDecoder();
const control = new Socket({ fd, readable: true, writable: true });

control.on('data', (chunk: Buffer) => {
  // The one message there is asks for the calls back.
  for (const _recall of decoder.push(chunk)) {
    const fromSequence = claims.revoke();
    control.write(
      encodeFrame(encodeMessage({ type: 'recalled', ...(fromSequence === undefined ? {} : { fromSequence }) })),
    );
  }
});
const end = (): void => endWithWorker(workerDirectory);
control.on('error', end).on('close', end);
