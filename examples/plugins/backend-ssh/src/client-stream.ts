/** The worker's end of its stream: the standard streams of the ssh session, handed to it as descriptors. */
import { rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { Duplex } from 'node:stream';
import type { Clock, ClockTimer } from '@splitrock/core/plugin';

/** The descriptors at which the launcher gives a worker what the client sends, and what it sends to the client. */
export const FROM_CLIENT_FD = 4;
export const TO_CLIENT_FD = 5;

/** How often the client says that it is alive. */
export const ALIVE_INTERVAL_MS = 10_000;
/** A client that was silent for so long has lost its network or its power: nothing else would tell this side. */
const SILENCE_MS = 6 * ALIVE_INTERVAL_MS;

/** The launcher gave this worker a temporary folder of its own, and removes it; in case it is gone before, both do. */
export function removeTemporaryFolderAtExit(): void {
  const folder = tmpdir();
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
}

/** A stream that ends when the client says nothing for a minute. */
export function openStreamToClient(clock: Clock): Duplex {
  const incoming = new Socket({ fd: FROM_CLIENT_FD, readable: true, writable: false });
  const outgoing = new Socket({ fd: TO_CLIENT_FD, readable: false, writable: true });
  const stream = Duplex.from({ readable: incoming, writable: outgoing });
  let timer: ClockTimer | undefined;
  const listenOn = (): void => {
    timer?.cancel();
    timer = clock.setTimer(() => stream.destroy(), SILENCE_MS);
  };
  listenOn();
  incoming.on('data', listenOn);
  // The pair does not close what it was made of when it is destroyed in order; an open end would keep the worker alive.
  stream.once('close', () => {
    timer?.cancel();
    incoming.destroy();
    outgoing.destroy();
  });
  return stream;
}
