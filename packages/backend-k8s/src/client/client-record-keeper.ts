/** Tells masters who this client is: by the hash of its token, in storage. */
import type { Storage } from '@splitrock/core/plugin';
import { clientToken, hashSecret, newSecret } from '../protocol/access-token.ts';
import type { BackendKeys } from '../protocol/backend-keys.ts';
import { encodeClientRecord } from '../protocol/records.ts';

export class ClientRecordKeeper {
  readonly token: string;
  readonly #storage: Storage;
  readonly #key: string;
  readonly #hash: string;
  #isWritten = false;

  constructor(storage: Storage, keys: BackendKeys, clientId: string) {
    const secret = newSecret();
    this.token = clientToken(clientId, secret);
    this.#storage = storage;
    this.#key = keys.client(clientId);
    this.#hash = hashSecret(secret);
  }

  async write(): Promise<void> {
    this.#isWritten = true;
    await this.#storage.put(this.#key, encodeClientRecord({ v: 1, tokenHash: this.#hash }));
  }

  async remove(): Promise<void> {
    if (this.#isWritten) await this.#storage.delete(this.#key);
  }
}
