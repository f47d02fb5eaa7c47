/** Waiting that ends with an abort signal, and bodies read that way. */
import { InvalidArgumentError } from '../errors/splitrock-error.ts';
import type { StorageBody } from '../contracts/storage.ts';

/** Settles as `promise` does, or rejects with the signal's reason, whichever comes first. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/**
 * Reads a body chunk by chunk, without empty ones, one chunk ahead of nobody: the source is asked when the consumer asks.
 * Ends with the signal's reason as soon as it aborts, also while the source is silent; the source is then told to stop
 * (`return`), but not waited for.
 * @throws InvalidArgumentError `ARGUMENT_INVALID` for a chunk that is not a byte array.
 */
export async function* bodyChunks(body: StorageBody, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  signal?.throwIfAborted();
  if (body instanceof Uint8Array) {
    if (body.length > 0) yield body;
    return;
  }
  const source = body[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await abortable(source.next(), signal).catch((error: unknown) => {
        ended = signal?.aborted !== true;
        throw error;
      });
      if (next.done === true) {
        ended = true;
        return;
      }
      if (!(next.value instanceof Uint8Array)) throw wrongChunk(next.value);
      if (next.value.length > 0) yield next.value;
    }
  } finally {
    if (!ended) Promise.resolve(source.return?.()).catch(() => undefined);
  }
}

const wrongChunk = (chunk: unknown): InvalidArgumentError =>
  new InvalidArgumentError(
    'ARGUMENT_INVALID',
    `Body stream gave a ${typeof chunk} instead of bytes; give Uint8Array chunks.`,
  );
