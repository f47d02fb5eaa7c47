import type { StatusLogSink } from '@splitrock/core/plugin';
import { isAfter, readEntry, type RawEntry } from './status-stream.ts';

/** How far one follower has come in a stream; whoever reads, each entry reaches it once and in order. */
export class StreamCursor {
  readonly key: string;
  readonly #sink: StatusLogSink;
  #position: string;
  #closed = false;

  constructor(key: string, position: string, sink: StatusLogSink) {
    this.key = key;
    this.#position = position;
    this.#sink = sink;
  }

  /** Id of the last entry that was delivered. */
  get position(): string {
    return this.#position;
  }

  isAfter(other: StreamCursor): boolean {
    return isAfter(this.#position, other.#position);
  }

  hasReached(id: string): boolean {
    return !isAfter(id, this.#position);
  }

  /** Takes entries that follow one another in the stream and begin no later than right after the position. */
  accept(entries: readonly RawEntry[]): void {
    for (const raw of entries) {
      const { id, message } = readEntry(raw);
      if (this.#closed || this.hasReached(id)) continue;
      this.#position = id;
      if (message !== undefined) this.#sink.message(message);
    }
  }

  trouble(error: Error): void {
    if (!this.#closed) this.#sink.trouble(error);
  }

  close(): void {
    this.#closed = true;
  }
}
