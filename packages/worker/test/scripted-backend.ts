/** A backend plugin whose call source offers what a file says and writes every answer to another. For whole workers. */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  PLUGIN_API_VERSION,
  defineBackend,
  encodeInputPart,
  type CallReceiver,
  type CallSource,
  type JobRef,
} from '@splitrock/core/plugin';
import { z } from 'zod';

export interface ScriptedOffer {
  readonly job: JobRef;
  /** Base 64. */
  readonly descriptor: string;
  readonly payloads: readonly string[];
}

class ScriptedCallSource implements CallSource {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async start(receiver: CallReceiver): Promise<void> {
    const offers = JSON.parse(readFileSync(join(this.#directory, 'offers.json'), 'utf8')) as ScriptedOffer[];
    const answer = (line: string): void => appendFileSync(join(this.#directory, 'answers'), `${line}\n`);
    for (const { job, descriptor, payloads } of offers) {
      receiver.deliver({
        job,
        calls: { from: 0, to: payloads.length },
        attempt: 1,
        descriptor: Buffer.from(descriptor, 'base64'),
        inlineInputs: encodeInputPart(
          0,
          payloads.map((payload) => Buffer.from(payload, 'base64')),
        ),
        done: (callId) => answer(`${callId} done`),
        giveBack: (callId, reason) => answer(`${callId} given back ${reason?.kind ?? ''}`),
      });
    }
  }

  setCapacity(): void {}

  async flush(): Promise<void> {}

  async stop(): Promise<void> {}
}

export const plugin = defineBackend({
  kind: 'backend',
  name: 'scripted',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: z.strictObject({ directory: z.string(), secret: z.string().optional() }),
  createBackend: () => {
    throw new Error('The scripted backend has no client half.');
  },
  createCallSource: ({ directory }) => new ScriptedCallSource(directory),
});
