/** An object in Splitrock's storage as hyparquet reads files: by ranges. */
import type { AsyncBuffer } from 'hyparquet';
import type { UserStorage } from 'splitrock';

export async function openObject(storage: UserStorage, key: string): Promise<AsyncBuffer> {
  const info = await storage.head(key);
  if (info === undefined) throw new Error(`There is no object ${key} in storage.`);
  return {
    byteLength: info.size,
    async slice(start, end = info.size) {
      const bytes = await storage.get(key, { range: { offset: start, length: end - start } });
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    },
  };
}
