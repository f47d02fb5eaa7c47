/**
 * Names that come from users, made fit for Kubernetes' names and label values.
 *
 * A text that is a DNS label and short enough stays what it is. Everything else is cut to what is readable and ends in
 * `-h` and a hash of the whole, so that two texts never share a name; a text that looks like that already is hashed too.
 */
import { createHash } from 'node:crypto';

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const HASH_LENGTH = 10;
const ENCODED = new RegExp(`-h[0-9a-f]{${HASH_LENGTH}}$`);

/** The length up to which Kubernetes takes label values, and pod names that are host names too. */
export const MAX_LABEL_LENGTH = 63;

/** @param maxLength - At least 13, so that the hash and a letter have room. */
export function encodeKubeName(text: string, maxLength: number = MAX_LABEL_LENGTH): string {
  if (text.length <= maxLength && DNS_LABEL.test(text) && !ENCODED.test(text)) return text;
  const readable = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, maxLength - HASH_LENGTH - 2)
    .replaceAll(/^-+|-+$/g, '');
  return `${readable === '' ? 'x' : readable}-h${shortHash(text)}`;
}

/** Ten hexadecimal digits of a text's SHA-256. */
export const shortHash = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
