/** Brings function artifacts to storage, each once per executor, however many jobs use it. */
import type { Storage } from '../contracts/storage.ts';
import type { ShippedFunction } from '../functions/ship-function.ts';
import { artifactKey, artifactManifestKey } from '../wire/storage-keys.ts';

export class FunctionUploads {
  readonly #uploads = new Map<string, Promise<void>>();

  /** Resolves once the artifact and its manifest are in storage. A failed upload is tried again by the next job. */
  upload(storage: Storage, { sha256, artifact, manifest }: ShippedFunction): Promise<void> {
    const known = this.#uploads.get(sha256);
    if (known !== undefined) return known;
    const upload = Promise.all([
      storage.put(artifactKey(sha256), artifact, { ifAbsent: true }),
      storage.put(artifactManifestKey(sha256), manifest, { ifAbsent: true }),
    ]).then(() => {});
    this.#uploads.set(sha256, upload);
    upload.catch(() => this.#uploads.delete(sha256));
    return upload;
  }
}
