/** Names in Redis; the layout is described in `redis-scripts.ts`. */
import { compareStorageKeys } from '@splitrock/core/plugin';

export class RedisKeys {
  readonly index: string;
  readonly rules: string;
  readonly metaPrefix: string;
  readonly dataPrefix: string;
  readonly channelPrefix: string;

  constructor(prefix: string) {
    this.index = `${prefix}index`;
    this.rules = `${prefix}rules`;
    this.metaPrefix = `${prefix}meta:`;
    this.dataPrefix = `${prefix}data:`;
    this.channelPrefix = `${prefix}changed:`;
  }

  meta(key: string): string {
    return this.metaPrefix + key;
  }

  chunk(version: string, number: number): string {
    return `${this.dataPrefix}${version}:${number}`;
  }

  channel(prefix: string): string {
    return this.channelPrefix + prefix;
  }
}

/** No UTF-8 text has this byte, so that it ends the range of all texts with a prefix. */
const AFTER_ALL = Buffer.from([0xff]);

/**
 * The bounds of the keys with a prefix, after `startAfter`, as ZRANGEBYLEX takes them: `[` is inclusive, `(` exclusive.
 * https://redis.io/docs/latest/commands/zrangebylex/
 */
export function lexBounds(prefix: string, startAfter: string | undefined): { lowest: Buffer; highest: Buffer } {
  const after = startAfter !== undefined && compareStorageKeys(startAfter, prefix) >= 0;
  return {
    lowest: Buffer.from(after ? `(${startAfter}` : `[${prefix}`),
    highest: Buffer.concat([Buffer.from(`(${prefix}`), AFTER_ALL]),
  };
}
