/** Plugins as third parties write them, in plain JavaScript: a backend of one job, and a monitoring into a file. */

const DESCRIPTOR = `apiVersion: 1, optionsSchema: { safeParseAsync: async (data) => ({ success: true, data }) }`;

/** Delivers what its options hold, and leaves when every call is answered. */
export const SCRIPTED_BACKEND = `
const bytes = (text) => Buffer.from(text, 'base64');
export const plugin = {
  kind: 'backend', name: 'scripted', ${DESCRIPTOR},
  createBackend: async () => (await import('@kubernetes/client-node')).Client,
  createCallSource: ({ job, descriptor, inputs, calls }) => ({
    async start(receiver) {
      let open = calls;
      const answered = () => { if (--open === 0) receiver.shutdown({ graceMs: 0, reason: 'all is done' }); };
      receiver.deliver({
        job, attempt: 1, calls: { from: 0, to: calls },
        descriptor: bytes(descriptor), inlineInputs: bytes(inputs), done: answered, giveBack: answered,
      });
    },
    setCapacity() {}, async flush() {}, async stop() {},
  }),
};`;

export const FILE_MONITORING = `
import { appendFileSync } from 'node:fs';
export const plugin = {
  kind: 'monitoring', name: 'file', ${DESCRIPTOR},
  createSubscriber() {},
  createPublisher: ({ file }) => ({
    async publish(_job, events) {
      for (const { callId, outcome } of events.filter(({ type }) => type === 'finished')) {
        const value = outcome.inline === undefined ? null : Buffer.from(outcome.inline).toString('base64');
        appendFileSync(file, JSON.stringify({ callId, kind: outcome.kind, value }) + '\\n');
      }
    },
    async close() {},
  }),
};`;
