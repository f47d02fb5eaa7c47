/**
 * The two files that a slot process writes its stdout and stderr to.
 *
 * Files, because whatever the process and its children write is there even after SIGKILL, and because the slot can tell
 * by their size which bytes belong to which call. They are opened for appending, so that they can be emptied under a
 * process that goes on writing.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export type OutputStream = 'stdout' | 'stderr';

const READ_BYTES = 64 * 1024;
/** A file is emptied, once read, when it is larger than this. */
const KEEP_BYTES = 1024 * 1024;

export class OutputFile {
  /** Given to the process. */
  readonly writeFd: number;
  readonly #readFd: number;
  readonly #path: string;
  #position = 0;

  constructor(path: string) {
    this.#path = path;
    this.writeFd = openSync(path, 'a', 0o600);
    this.#readFd = openSync(path, 'r+');
  }

  /** What has been read so far ends here. */
  get position(): number {
    return this.#position;
  }

  get size(): number {
    return fstatSync(this.#readFd).size;
  }

  /** Reads on up to a position, in pieces; without one, up to the end. */
  *read(upTo = this.size): Iterable<Buffer> {
    while (this.#position < upTo) {
      const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, upTo - this.#position));
      const bytes = readSync(this.#readFd, piece, 0, piece.length, this.#position);
      if (bytes === 0) return;
      this.#position += bytes;
      yield piece.subarray(0, bytes);
    }
  }

  /** Leaves out what was written up to a position; returns how many bytes that were. */
  skip(upTo = this.size): number {
    const skipped = Math.max(0, upTo - this.#position);
    this.#position += skipped;
    return skipped;
  }

  /** The last bytes written, whether read or not. */
  tail(bytes: number): Buffer {
    const { size } = this;
    const tail = Buffer.alloc(Math.min(bytes, size));
    readSync(this.#readFd, tail, 0, tail.length, size - tail.length);
    return tail;
  }

  /** Frees the disk once all was read. What is written between the last read and this is lost, so it is done rarely. */
  empty(): void {
    if (this.#position <= KEEP_BYTES || this.size !== this.#position) return;
    this.forceEmpty();
  }

  /** Frees the disk whatever was read; returns how many bytes nobody has read. */
  forceEmpty(): number {
    const unread = this.skip();
    ftruncateSync(this.#readFd, 0);
    this.#position = 0;
    return unread;
  }

  close(): void {
    closeSync(this.#readFd);
    rmSync(this.#path, { force: true });
  }
}

export class OutputFiles {
  readonly stdout: OutputFile;
  readonly stderr: OutputFile;

  constructor(directory: string, name: string) {
    this.stdout = new OutputFile(join(directory, `${name}.stdout`));
    this.stderr = new OutputFile(join(directory, `${name}.stderr`));
  }

  /** The process has its own descriptors once it is started. */
  handedOver(): void {
    closeSync(this.stdout.writeFd);
    closeSync(this.stderr.writeFd);
  }

  close(): void {
    this.stdout.close();
    this.stderr.close();
  }
}
