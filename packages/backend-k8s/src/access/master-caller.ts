/** Asks the master, wherever it is now: its address is in storage, and is read again when it does not answer there. */
import { decodeEnvelope, encodeEnvelope, type Clock, type ClockTimer, type Storage } from '@splitrock/core/plugin';
import { z } from 'zod';
import { TOKEN_HEADER } from '../protocol/access-token.ts';
import { readMasterRecord, type MasterRecord } from '../protocol/records.ts';
import { MASTER_HEADER, REFUSALS, type RefusalCode } from '../protocol/refusals.ts';
import { MasterRefusedError, MasterUnreachableError } from './master-error.ts';
import type { MasterWay, WayAnswer } from './master-way.ts';

export interface MasterCallerDeps {
  readonly storage: Storage;
  /** The key of the master's record. */
  readonly key: string;
  readonly token: string;
  readonly way: MasterWay;
  readonly clock: Clock;
}

export interface MasterQuestion<Header> {
  readonly path: string;
  readonly header: unknown;
  readonly body?: readonly Uint8Array[];
  readonly answer: z.ZodType<Header>;
  /** How long the master waits before it answers that there is nothing. @defaultValue 0 */
  readonly waitMs?: number;
  /** How long the master may take. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface MasterReply<Header> {
  readonly header: Header;
  readonly body: Uint8Array;
}

/**
 * An answer that is due for so long may be one that nobody will give: a node that vanishes breaks no connection. Then it is
 * looked, as often, whether there is another master.
 */
const OVERDUE_MS = 5_000;

const refusalBody = z.object({ code: z.string(), message: z.string() });

export class MasterCaller {
  readonly #deps: MasterCallerDeps;
  #record: MasterRecord | undefined;

  constructor(deps: MasterCallerDeps) {
    this.#deps = deps;
  }

  /**
   * @throws MasterUnreachableError, MasterRefusedError; the signal's reason; StorageError when its address cannot be read.
   */
  async ask<Header>(question: MasterQuestion<Header>): Promise<MasterReply<Header>> {
    const { signal } = question;
    signal?.throwIfAborted();
    const record = (this.#record ??= await readMasterRecord(this.#deps.storage, this.#deps.key));
    if (record === undefined) throw new MasterUnreachableError('there is no master');
    const reply = await this.#send(record, question);
    const epoch = reply.headers[MASTER_HEADER];
    // What stands before the master, or is in its place: no answer of its own.
    if (epoch !== record.epoch)
      throw this.#unreachable(`${wordsOf(reply)} [status=${reply.status}, pod=${record.pod}]`);
    if (reply.status !== 200) throw refusalOf(reply);
    const { header, body } = decodeEnvelope('M', reply.body, 'Answer of the master');
    return { header: question.answer.parse(header), body };
  }

  /** Whether there is a master, as far as storage tells. */
  async isThere(): Promise<boolean> {
    return (await readMasterRecord(this.#deps.storage, this.#deps.key)) !== undefined;
  }

  close(): void {
    this.#deps.way.close();
  }

  async #send<Header>(record: MasterRecord, question: MasterQuestion<Header>): Promise<WayAnswer> {
    const { path, header, body = [], timeoutMs, waitMs = 0, signal } = question;
    const replaced = new AbortController();
    const watch = this.#watchRecord(record, waitMs + OVERDUE_MS, replaced);
    try {
      return await this.#deps.way.ask(record, {
        path,
        headers: { [TOKEN_HEADER]: this.#deps.token },
        body: encodeEnvelope('M', header, body),
        timeoutMs,
        signal: signal === undefined ? replaced.signal : AbortSignal.any([signal, replaced.signal]),
      });
    } catch (error) {
      signal?.throwIfAborted();
      const why: unknown = replaced.signal.aborted ? replaced.signal.reason : error;
      throw this.#unreachable(why instanceof Error ? why.message : String(why));
    } finally {
      watch.cancel();
    }
  }

  /** Aborts `replaced` when storage tells of another master. */
  #watchRecord({ epoch, pod }: MasterRecord, fromMs: number, replaced: AbortController): { cancel(): void } {
    const { storage, key, clock } = this.#deps;
    let timer: ClockTimer | undefined;
    let isOver = false;
    const look = async (): Promise<void> => {
      // Storage that is away says nothing.
      const present = await readMasterRecord(storage, key).catch(() => undefined);
      if (isOver) return;
      if (present === undefined || present.epoch === epoch) timer = clock.setTimer(() => void look(), OVERDUE_MS);
      else replaced.abort(new Error(`pod ${present.pod} has taken over from pod ${pod}`));
    };
    timer = clock.setTimer(() => void look(), fromMs);
    return {
      cancel() {
        isOver = true;
        timer?.cancel();
      },
    };
  }

  #unreachable(why: string): MasterUnreachableError {
    this.#record = undefined;
    return new MasterUnreachableError(`the master cannot be reached: ${why}`);
  }
}

/** What an API server says that does not reach the pod, or may not. */
function wordsOf({ body }: WayAnswer): string {
  try {
    const { message } = z.object({ message: z.string() }).parse(JSON.parse(Buffer.from(body).toString('utf8')));
    return message.slice(0, 500);
  } catch {
    return 'what answers is not the master';
  }
}

function refusalOf({ body }: WayAnswer): Error {
  try {
    const { code, message } = refusalBody.parse(JSON.parse(Buffer.from(body).toString('utf8')));
    if (Object.hasOwn(REFUSALS, code)) return new MasterRefusedError(code as RefusalCode, message);
  } catch {
    // Not in our words.
  }
  return new MasterUnreachableError('the master refused a request in unknown words');
}
