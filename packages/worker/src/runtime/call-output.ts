/**
 * Turns slots' output into log events of calls: reads the files, attributes the bytes, keeps each call within its
 * `maxLogBytes`, and says how much was left out.
 */
import { StringDecoder } from 'node:string_decoder';
import type { CallLog } from '@splitrock/core/plugin';
import type { OutputMarks, SlotLog } from '../protocol/slot-messages.ts';
import type { OutputFile, OutputFiles, OutputStream } from '../slots/output-files.ts';

/** A file this large is emptied although its call goes on writing: disk use stays bounded. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** What an event is made of, besides the call. */
export type LogPiece = Pick<CallLog, 'stream' | 'atMs' | 'text' | 'extra'>;

/** The log of one call, or of what no call owns in one slot. */
export class CallOutput {
  readonly #emit: (piece: LogPiece) => void;
  readonly #nowMs: () => number;
  readonly #decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  #bytesLeft: number;
  #truncatedBytes = 0;

  constructor(maxBytes: number, nowMs: () => number, emit: (piece: LogPiece) => void) {
    this.#bytesLeft = maxBytes;
    this.#nowMs = nowMs;
    this.#emit = emit;
  }

  /** What the slot itself caught; it has cut it to the limit already, by its own count. */
  take({ stream, atMs, text, extra }: SlotLog): void {
    const cut = extra?.['truncatedBytes'];
    if (typeof cut === 'number') {
      this.#truncatedBytes += cut;
      return;
    }
    const bytes = Buffer.byteLength(text);
    if (bytes > this.#bytesLeft) {
      this.#truncatedBytes += bytes;
      return;
    }
    this.#bytesLeft -= bytes;
    this.#emit(extra === undefined ? { stream, atMs, text } : { stream, atMs, text, extra });
  }

  /** Reads what both files hold, up to where this call's output ends. */
  read(files: OutputFiles, upTo?: { readonly stdout: number; readonly stderr: number }): void {
    this.#readFile('stdout', files.stdout, upTo?.stdout);
    this.#readFile('stderr', files.stderr, upTo?.stderr);
  }

  /** No more comes: tells what was left out. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) this.#piece(stream, this.#decoders[stream].end());
    if (this.#truncatedBytes === 0) return;
    this.#emit({ stream: 'log', atMs: this.#nowMs(), text: '', extra: { truncatedBytes: this.#truncatedBytes } });
    this.#truncatedBytes = 0;
  }

  #readFile(stream: OutputStream, file: OutputFile, upTo = file.size): void {
    if (upTo <= file.position) return;
    const keep = Math.min(upTo, file.position + this.#bytesLeft);
    for (const bytes of file.read(keep)) {
      this.#bytesLeft -= bytes.length;
      this.#piece(stream, this.#decoders[stream].write(bytes));
    }
    this.#truncatedBytes += file.skip(upTo);
    if (file.position > MAX_FILE_BYTES) this.#truncatedBytes += file.forceEmpty();
  }

  #piece(stream: OutputStream, text: string): void {
    if (text !== '') this.#emit({ stream, atMs: this.#nowMs(), text });
  }
}

/** Where the call's part of the files ends. */
export const endOf = (marks: OutputMarks): { stdout: number; stderr: number } => ({
  stdout: marks.stdout[1],
  stderr: marks.stderr[1],
});

export const beginOf = (marks: OutputMarks): { stdout: number; stderr: number } => ({
  stdout: marks.stdout[0],
  stderr: marks.stderr[0],
});
