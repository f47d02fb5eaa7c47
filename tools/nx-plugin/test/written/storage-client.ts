/** What an author writes of a storage, over a map that all clients of the process share: the least that can be written. */
import { compareStorageKeys, type ByteRange, type DeleteFailure, type ObjectInfo } from '@splitrock/core/plugin';

const objects = new Map<string, { readonly bytes: Uint8Array; readonly info: ObjectInfo }>();
let versions = 0;

export class BlueTapeClient {
  // oxlint-disable-next-line no-useless-constructor -- the plugin makes it with its options
  constructor(_options: unknown) {}

  async write(key: string, bytes: Uint8Array, ifAbsent: boolean, _signal: AbortSignal): Promise<boolean> {
    if (ifAbsent && objects.has(key)) return false;
    const version = String((versions += 1));
    objects.set(key, { bytes, info: { key, size: bytes.length, modifiedAtMs: Date.now(), version } });
    return true;
  }

  async read(
    key: string,
    { offset, length }: Required<ByteRange>,
    version: string,
    _signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const object = objects.get(key);
    return object?.info.version === version ? object.bytes.slice(offset, offset + length) : undefined;
  }

  async stat(key: string, _signal: AbortSignal): Promise<ObjectInfo | undefined> {
    return objects.get(key)?.info;
  }

  async remove(keys: readonly string[], _signal: AbortSignal): Promise<readonly DeleteFailure[]> {
    for (const key of keys) objects.delete(key);
    return [];
  }

  async page(prefix: string, after: string | undefined, _signal: AbortSignal): Promise<readonly ObjectInfo[]> {
    const keys = [...objects.keys()]
      .filter((key) => key.startsWith(prefix) && (after === undefined || compareStorageKeys(key, after) > 0))
      .toSorted(compareStorageKeys);
    return keys.slice(0, 100).map((key) => (objects.get(key) as { info: ObjectInfo }).info);
  }

  async close(): Promise<void> {}
}
