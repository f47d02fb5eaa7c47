/**
 * Reads a lazy input in batches, ahead of the calls but not far: whoever starts it says when there is room. A source
 * that pauses gets what it has given so far sent on; a slow producer never holds back finished items.
 */

export interface LazyReaderHooks {
  /** Resolves when more items may be read, to how many. 0 ends the reading (the job was cancelled, an item is bad). */
  room(): Promise<number>;
  /** Items in order, at least one. Never throws. */
  batch(items: readonly unknown[]): void;
}

const BATCH_ITEMS = 1_000;

/** Reads to the end of the source, or to its first error, which is thrown. Closes a source that it leaves early. */
export async function readLazily(
  source: Iterator<unknown> | AsyncIterator<unknown>,
  hooks: LazyReaderHooks,
): Promise<void> {
  let buffer: unknown[] = [];
  const flush = (): void => {
    const items = buffer;
    buffer = [];
    if (items.length > 0) hooks.batch(items);
  };
  let finished = false;
  try {
    for (;;) {
      const room = Math.min(BATCH_ITEMS, await hooks.room());
      if (room === 0) return;
      for (let count = 0; count < room; count += 1) {
        const result = await nextOrFlush(source, flush);
        if (result.done === true) {
          finished = true;
          return flush();
        }
        buffer.push(result.value);
      }
      flush();
    }
  } catch (error) {
    finished = true;
    flush();
    throw error;
  } finally {
    if (!finished) await source.return?.();
  }
}

/** The source's next item; if it is not there at once, what is buffered goes out first. */
async function nextOrFlush(
  source: Iterator<unknown> | AsyncIterator<unknown>,
  flush: () => void,
): Promise<IteratorResult<unknown>> {
  const next = source.next();
  if (!(next instanceof Promise)) return next;
  const immediate = setImmediate(flush);
  try {
    return await next;
  } finally {
    clearImmediate(immediate);
  }
}
