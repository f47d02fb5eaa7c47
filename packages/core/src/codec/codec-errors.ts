/** What the codec throws when bytes cannot be read, and when a value cannot be written. */
import { SerializationError } from '../errors/splitrock-error.ts';
import type { Refusal } from './graph-extension.ts';

export function corrupt(what: string, cause?: unknown): SerializationError {
  return new SerializationError(
    'DATA_CORRUPT',
    `Cannot decode a value: ${what}; the bytes are damaged, truncated or not Splitrock codec data, so write them again.`,
    cause === undefined ? {} : { cause },
  );
}

export function unreadableVersion(what: string, facts: Readonly<Record<string, string | number>>): SerializationError {
  const list = Object.entries(facts).map(([key, value]) => `${key}=${value}`);
  return new SerializationError(
    'DATA_VERSION',
    `Cannot decode a value: ${what} [${list.join(', ')}]; run client and workers with the same Node.js and Splitrock versions.`,
    { details: facts },
  );
}

export function unsupported({ kind, what, path, remedy }: Refusal): SerializationError {
  const where = path === '' ? 'the value itself' : path;
  return new SerializationError('SERIALIZE_UNSUPPORTED', `Cannot send ${what} [path=${where}]; ${remedy}.`, {
    details: { kind, path },
  });
}

/** The body of a message is limited by the width of its length; binary data has no such limit. */
export const MAX_BODY_BYTES = 0xffff_ffff;

export function tooLarge(): SerializationError {
  return unsupported({
    kind: 'too-large',
    what: 'more than 4 GiB apart from binary data',
    path: '',
    remedy: 'split it into several calls, or put it in storage and pass its key',
    value: undefined,
  });
}
