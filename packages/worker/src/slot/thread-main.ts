/** Entry of a slot thread. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { Claims } from '../protocol/claims.ts';
import type { FromSlot, ToSlot } from '../protocol/slot-messages.ts';
import { serveSlot } from './serve-slot.ts';

const { claims: memory } = workerData as { claims: SharedArrayBuffer };
const port = parentPort as MessagePort;
const post = (message: FromSlot): void => port.postMessage(message);
const receive = serveSlot({ claims: new Claims(memory), post, postSoon: post, die: () => process.exit(70) });
port.on('message', (message: ToSlot) => receive(message));
