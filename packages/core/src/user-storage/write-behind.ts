/** Writes a stream to a file while the next of it is on its way. */
import type { FileHandle } from 'node:fs/promises';

/** What may wait to be written before whoever brings more has to wait as well. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** While one write is under way, what comes is gathered for the next. Chunks must not be changed once they are given. */
export class WriteBehind {
  readonly #handle: FileHandle;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Resolves when there is room for more. @throws what an earlier write failed with. */
  async add(chunk: Uint8Array): Promise<void> {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#writing === undefined) {
      this.#writing = this.#write();
      // Told to whoever adds or ends next.
      this.#writing.catch(() => {});
    }
    if (this.#waitingBytes > MAX_WAITING_BYTES) await this.#writing;
  }

  /** Resolves when all is written. @throws what a write failed with. */
  async end(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const chunks = this.#waiting;
      const bytes = this.#waitingBytes;
      this.#waiting = [];
      const { bytesWritten } = await this.#handle.writev(chunks);
      if (bytesWritten < bytes) await this.#handle.writeFile(Buffer.concat(chunks).subarray(bytesWritten));
      this.#waitingBytes -= bytes;
    }
    this.#writing = undefined;
  }
}
