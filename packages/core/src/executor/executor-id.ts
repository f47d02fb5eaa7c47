import { randomBytes } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A new executor id: twelve of a-z and 0-9, first a letter so that it can be a label or a host name; 61 random bits. */
export function newExecutorId(): string {
  let id = '';
  while (id.length < 12) {
    for (const byte of randomBytes(24)) {
      // 252 is the largest multiple of 36 in a byte: beyond it, the modulo would favour some characters.
      if (byte >= 252 || id.length === 12) continue;
      const character = ALPHABET[byte % ALPHABET.length] as string;
      if (id.length > 0 || character > '9') id += character;
    }
  }
  return id;
}
