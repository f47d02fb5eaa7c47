/**
 * URLs as sources of data sets.
 *
 * Planning asks for the first byte: the answer tells the size, the entity tag, and whether the server gives ranges; HEAD
 * would not, where it is refused or redirected elsewhere. Reading checks every answer against the plan. A connection that
 * is cut is taken up where it broke: with a range, or without ranges by reading again and passing over what came before.
 */
import type { ByteSource } from './byte-source.ts';
import { objectReplaced, shownUrl, sourceUnreadable } from './data-set-errors.ts';
import type { PlannedObject } from './planned-object.ts';
import {
  Retries,
  URL_PATIENCE,
  isStrongTag,
  lengthOf,
  parseContentRange,
  send,
  unreachable,
  versionOf,
  type UrlPatience,
} from './url-requests.ts';

/** @throws DataSetError `DATASET_NOT_FOUND`, `DATASET_UNREADABLE`. */
export async function planUrl(
  url: string,
  { urlPatience = URL_PATIENCE, signal }: { readonly urlPatience?: UrlPatience; readonly signal?: AbortSignal },
): Promise<PlannedObject> {
  const retries = new Retries(urlPatience, signal);
  for (;;) {
    const answer = await send({ url, headers: { range: 'bytes=0-0' }, signal });
    if ('again' in answer) {
      await retries.after(answer.again, answer.afterMs);
      continue;
    }
    const { status, headers, body } = answer.response;
    // The first byte, or the whole object where the server knows no ranges; neither is wanted.
    await body?.cancel();
    const range = parseContentRange(headers);
    const version = versionOf(headers);
    const address = { kind: 'url', url } as const;
    if (status === 206 && range?.size !== undefined) return { address, size: range.size, version, seekable: true };
    if (status === 416 && (range?.size ?? 0) === 0) return { address, size: 0, version: undefined, seekable: false };
    return { address, size: status === 200 ? lengthOf(headers) : undefined, version, seekable: false };
  }
}

export class UrlObject implements ByteSource {
  readonly #url: string;
  readonly #size: number | undefined;
  readonly #version: string | undefined;
  readonly #patience: UrlPatience;

  constructor(url: string, { size, version }: Pick<PlannedObject, 'size' | 'version'>, patience = URL_PATIENCE) {
    this.#url = url;
    this.#size = size;
    this.#version = version;
    this.#patience = patience;
  }

  async *read(
    start: number,
    end: number | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, void> {
    const retries = new Retries(this.#patience, signal);
    for (let position = start; ;) {
      const answer = await send({ url: this.#url, headers: this.#headers(position, end), signal });
      if ('again' in answer) {
        await retries.after(answer.again, answer.afterMs);
        continue;
      }
      const body = this.#bodyFrom(position, answer.response, position > start);
      const wanted = end ?? this.#size;
      let broken: unknown;
      try {
        for await (const chunk of body) {
          retries.succeeded();
          const rest = wanted === undefined ? chunk : chunk.subarray(0, wanted - position);
          if (rest.length < chunk.length && end === this.#size) throw this.#replaced('it has become longer');
          position += rest.length;
          if (rest.length > 0) yield rest;
          if (position === wanted && end !== this.#size) return;
        }
      } catch (error) {
        signal?.throwIfAborted();
        broken = unreachable(this.#url, error);
      }
      if (broken === undefined && (wanted === undefined || position === wanted)) return;
      // An answer that ends too early without a broken connection has a wrong length.
      broken ??= this.#tooShort(position, wanted);
      if (!(broken as { retryable?: boolean }).retryable) throw broken;
      await retries.after(broken);
    }
  }

  #headers(position: number, end: number | undefined): Record<string, string> {
    const whole = position === 0 && (end === undefined || end === this.#size);
    if (whole) return {};
    const range = { range: `bytes=${position}-${end === undefined ? '' : end - 1}` };
    return isStrongTag(this.#version) ? { ...range, 'if-range': this.#version } : range;
  }

  /** The bytes of an answer from a position on. Checks that the answer is of the object that was planned. */
  async *#bodyFrom(position: number, response: Response, resumed: boolean): AsyncGenerator<Uint8Array, void, void> {
    const { status, headers, body } = response;
    try {
      this.#expectPlanned(response, resumed);
      if (body === null || status === 416) return;
      // A server that sends all of it, though asked for a part, is taken at its word.
      let skip = status === 206 ? 0 : position;
      const range = parseContentRange(headers);
      if (status === 206 && range?.start !== position) throw this.#wrongRange(headers);
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        const used = Math.min(skip, chunk.length);
        skip -= used;
        if (used < chunk.length) yield chunk.subarray(used);
      }
    } finally {
      if (body !== null && !body.locked) await body.cancel();
    }
  }

  #expectPlanned({ status, headers }: Response, resumed: boolean): void {
    const size = status === 200 ? lengthOf(headers) : parseContentRange(headers)?.size;
    if (this.#size !== undefined && size !== undefined && size !== this.#size) {
      throw this.#replaced(`it has ${size} bytes, not ${this.#size}`);
    }
    if (status === 416) {
      if (this.#size === 0) return;
      throw this.#replaced('it has become shorter');
    }
    const version = versionOf(headers);
    if (this.#version !== undefined && version !== this.#version) throw this.#replaced('it has another version');
    if (resumed && this.#version === undefined) {
      throw sourceUnreadable(
        'A connection was cut, and the server tells nothing by which the rest would be known to be of the same object',
        'try again',
        { facts: { url: shownUrl(this.#url) } },
      );
    }
  }

  #replaced(why: string) {
    return objectReplaced(shownUrl(this.#url), why);
  }

  #wrongRange(headers: Headers) {
    return sourceUnreadable('A server answers with other bytes than it was asked for', 'report it to whoever runs it', {
      facts: { url: shownUrl(this.#url), range: headers.get('content-range') ?? 'none' },
    });
  }

  #tooShort(position: number, wanted: number | undefined) {
    return sourceUnreadable('A URL gives fewer bytes than its server says', 'try again later', {
      retryable: true,
      facts: { url: shownUrl(this.#url), bytes: position, expected: wanted ?? 'unknown' },
    });
  }
}
