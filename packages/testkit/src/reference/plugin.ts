import { Socket } from 'node:net';
import { PLUGIN_API_VERSION, defineBackend } from '@splitrock/core/plugin';
import { StreamBackend, StreamCallSource } from '@splitrock/worker/stream';
import { referenceBackendOptionsSchema } from './reference-backend-options.ts';
import { CHANNEL_FD } from './reference-worker.ts';
import { ReferenceWorkers } from './reference-workers.ts';

// #region plugin
/** `backend: '@splitrock/testkit/reference'`: one worker process on this machine. */
export const plugin = defineBackend({
  kind: 'backend',
  name: 'reference',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: referenceBackendOptionsSchema,
  // Workers run on this machine: they see its files.
  createBackend: (options, deps) =>
    new StreamBackend(
      { name: 'reference', sharesFiles: true },
      deps,
      (pool) => new ReferenceWorkers(options, deps, pool),
    ),
  createCallSource: () => new StreamCallSource(() => new Socket({ fd: CHANNEL_FD })),
});
// #endregion
