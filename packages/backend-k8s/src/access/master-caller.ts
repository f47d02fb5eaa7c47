/** Asks the master, wherever it is now: its address is in storage, and is read again when it does not answer there. */
import { decodeEnvelope, encodeEnvelope, type Storage } from '@splitrock/core/plugin';
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
}

export interface MasterQuestion<Header> {
  readonly path: string;
  readonly header: unknown;
  readonly body?: readonly Uint8Array[];
  readonly answer: z.ZodType<Header>;
  /** How long the master may take. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface MasterReply<Header> {
  readonly header: Header;
  readonly body: Uint8Array;
}

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
    const { path, header, body = [], timeoutMs, signal } = question;
    try {
      return await this.#deps.way.ask(record, {
        path,
        headers: { [TOKEN_HEADER]: this.#deps.token },
        body: encodeEnvelope('M', header, body),
        timeoutMs,
        signal,
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#unreachable(error instanceof Error ? error.message : String(error));
    }
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
