/**
 * Gathers: inputs that are made of other calls' results, without the client downloading them.
 *
 * Encoded as an envelope of kind M. Its header lists, in order, where each encoded result is: inline in the body, or
 * in storage. The worker fetches and decodes them; `single` gives the one value itself, else the input is an array.
 */
import { SerializationError } from '../errors/splitrock-error.ts';
import { decodeEnvelope, encodeEnvelope } from './envelope.ts';

/** Where an encoded result is. */
export type ResultLocation = { readonly inline: Uint8Array } | { readonly key: string; readonly bytes: number };

export interface Gather {
  readonly single: boolean;
  readonly results: readonly ResultLocation[];
}

interface Header {
  readonly v: 1;
  readonly single: boolean;
  /** A number: that many bytes of the body; a pair: key and size in storage. */
  readonly results: readonly (number | readonly [key: string, bytes: number])[];
}

export function encodeGather(gather: Gather): Uint8Array {
  const results = gather.results.map((result) =>
    'inline' in result ? result.inline.length : ([result.key, result.bytes] as const),
  );
  const body = gather.results.flatMap((result) => ('inline' in result ? [result.inline] : []));
  return encodeEnvelope('M', { v: 1, single: gather.single, results } satisfies Header, body);
}

/** @throws SerializationError `DATA_CORRUPT`, `DATA_VERSION`. */
export function decodeGather(bytes: Uint8Array): Gather {
  const { header, body } = decodeEnvelope('M', bytes, 'Gathered input');
  if (!isHeader(header))
    throw new SerializationError('DATA_CORRUPT', 'Gathered input is damaged: its header is not as expected.');
  let offset = 0;
  const results = header.results.map((result): ResultLocation => {
    if (typeof result !== 'number') return { key: result[0], bytes: result[1] };
    if (offset + result > body.length)
      throw new SerializationError('DATA_CORRUPT', 'Gathered input is damaged: its body is cut off.');
    offset += result;
    return { inline: body.subarray(offset - result, offset) };
  });
  return { single: header.single, results };
}

/** By hand: every slot process reads this, and loading a schema library would cost it more than all else it loads. */
function isHeader(value: unknown): value is Header {
  if (typeof value !== 'object' || value === null) return false;
  const { v, single, results, ...more } = value as Partial<Record<keyof Header, unknown>>;
  if (v !== 1 || typeof single !== 'boolean' || Object.keys(more).length > 0) return false;
  return Array.isArray(results) && results.every((result) => isCount(result) || isKeyAndSize(result));
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const isKeyAndSize = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && isCount(value[1]);
