/** What an author writes of a monitoring, over a folder for each job, which all processes of the machine share: the worker's half. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { formatJobId, type JobRef, type StatusLogWriter, type StatusMessage } from '@splitrock/core/plugin';

export class BlueTapeLogWriter implements StatusLogWriter {
  readonly #id = randomUUID();
  #appended = 0;

  // oxlint-disable-next-line no-useless-constructor -- the plugin makes it with its options
  constructor(_options: unknown) {}

  async append(job: JobRef, message: StatusMessage, _options: { readonly patienceMs: number }): Promise<void> {
    const folder = join(tmpdir(), 'blue-tape-logs', formatJobId(job));
    // Readers take the messages of one writer in the order of their names.
    const name = `${this.#id}-${String((this.#appended += 1)).padStart(9, '0')}`;
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `.${name}`), serialize(message));
    await rename(join(folder, `.${name}`), join(folder, name));
  }

  async close(): Promise<void> {}
}
