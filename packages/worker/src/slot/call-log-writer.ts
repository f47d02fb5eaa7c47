/** The log of one call as its slot sends it: the context's structured lines, and caught output where the slot catches it. */
import { inspect } from 'node:util';
import type { CallLogger } from '@splitrock/core/plugin';
import type { SlotLog } from '../protocol/slot-messages.ts';

type Level = keyof CallLogger;
type Fields = Readonly<Record<string, unknown>>;

/** What is cut off is counted here; what is sent is counted again, together with descriptors' output, by the worker. */
export class CallLogWriter implements CallLogger {
  readonly #sequence: number;
  readonly #send: (message: SlotLog) => void;
  #bytesLeft: number;
  #truncatedBytes = 0;

  constructor(sequence: number, maxBytes: number, send: (message: SlotLog) => void) {
    this.#sequence = sequence;
    this.#bytesLeft = maxBytes;
    this.#send = send;
  }

  debug(message: string, fields?: Fields): void {
    this.#line('debug', message, fields);
  }

  info(message: string, fields?: Fields): void {
    this.#line('info', message, fields);
  }

  warn(message: string, fields?: Fields): void {
    this.#line('warn', message, fields);
  }

  error(message: string, fields?: Fields): void {
    this.#line('error', message, fields);
  }

  /** Output that the slot caught from `process.stdout` or `process.stderr`. */
  output(stream: 'stdout' | 'stderr', text: string): void {
    const kept = this.#reserve(text);
    if (kept !== '') this.#post(stream, kept);
  }

  /** Tells, once the call is over, how much was left out. */
  end(): void {
    if (this.#truncatedBytes > 0) this.#post('log', '', { truncatedBytes: this.#truncatedBytes });
  }

  #line(level: Level, message: string, fields: Fields | undefined): void {
    const safe = fields === undefined ? undefined : jsonSafe(fields);
    const text = this.#reserve(message, safe?.length);
    if (text === '' && message !== '') return;
    this.#post('log', text, { level, ...(safe === undefined ? {} : { fields: JSON.parse(safe) as unknown }) });
  }

  #post(stream: SlotLog['stream'], text: string, extra?: Fields): void {
    const message: SlotLog = { type: 'log', sequence: this.#sequence, stream, atMs: now(), text };
    this.#send(extra === undefined ? message : { ...message, extra });
  }

  #reserve(text: string, more = 0): string {
    const bytes = Buffer.byteLength(text) + more;
    if (bytes <= this.#bytesLeft) {
      this.#bytesLeft -= bytes;
      return text;
    }
    const kept = Buffer.from(text).subarray(0, Math.max(0, this.#bytesLeft - more));
    this.#truncatedBytes += bytes - kept.length;
    this.#bytesLeft = 0;
    return kept.toString();
  }
}

const now = (): number => performance.timeOrigin + performance.now();

/** Fields travel as JSON; what JSON cannot hold (cycles, big integers) is written out as text. */
function jsonSafe(fields: Fields): string {
  try {
    return JSON.stringify(fields, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  } catch {
    return JSON.stringify({ fields: inspect(fields, { depth: 4, breakLength: Infinity }) });
  }
}
