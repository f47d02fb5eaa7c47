/**
 * S3 keys from keys. Servers refuse NUL, so it is escaped, and with it the character that escapes: NUL as 01 01, 01 as
 * 01 02. Every other key is written as it is. The escape keeps the order of keys and what begins with what, so that
 * listings, prefixes and `startAfter` need no further care.
 */
const ESCAPED = /[\0\u0001]/;

export const escapeKey = (key: string): string =>
  ESCAPED.test(key) ? key.replaceAll('\u0001', '\u0001\u0002').replaceAll('\0', '\u0001\u0001') : key;

export const unescapeKey = (key: string): string =>
  key.includes('\u0001')
    ? key.replaceAll(/\u0001[\u0001\u0002]/g, (pair) => (pair[1] === '\u0001' ? '\0' : '\u0001'))
    : key;
