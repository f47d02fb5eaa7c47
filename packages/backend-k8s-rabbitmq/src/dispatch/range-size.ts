/** How many calls go into one message. */

/** More would keep a worker busy for long with calls that turn out not to be tiny. */
const MAX_CALLS = 128;
/** Each slot is to get several messages, so that all end about the same time. */
const MESSAGES_PER_SLOT = 4;

export interface RangeSizeFacts {
  /** Calls submitted together. */
  readonly calls: number;
  /** Slots that may share them. */
  readonly slots: number;
  /** Most calls that a slot should take at a time; null: not said. */
  readonly chunkSize: number | null;
}

/**
 * Nothing is known of how long the calls take, so only what cannot be spread over all slots anyway goes together. Workers
 * cut further what turns out to take long.
 */
export function callsPerMessage({ calls, slots, chunkSize }: RangeSizeFacts): number {
  const spread = Math.floor(calls / (Math.max(1, slots) * MESSAGES_PER_SLOT));
  return Math.max(1, Math.min(spread, chunkSize ?? MAX_CALLS, MAX_CALLS));
}
