import { randomInt } from 'node:crypto';

/** Without vowels and look-alikes, so that no generated name spells a word. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
const MAX_GENERATED_PREFIX = 63 - SUFFIX_LENGTH;

/** `worker-` becomes `worker-x7k2p`. */
export function generateName(prefix: string): string {
  let suffix = '';
  for (let index = 0; index < SUFFIX_LENGTH; index += 1) suffix += ALPHABET[randomInt(ALPHABET.length)];
  return `${prefix.slice(0, MAX_GENERATED_PREFIX)}${suffix}`;
}

/** Where an object is: its namespace (none for cluster-wide kinds) and name. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** One string per key, in the order in which the API server lists. */
export function keyText({ namespace, name }: ObjectKey): string {
  return `${namespace ?? ''}/${name}`;
}
