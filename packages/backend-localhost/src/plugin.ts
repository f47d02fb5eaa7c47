import { Socket } from 'node:net';
import { PLUGIN_API_VERSION, defineBackend } from '@splitrock/core/plugin';
import { StreamBackend, StreamCallSource } from '@splitrock/worker/stream';
import { localhostBackendOptionsSchema } from './localhost-backend-options.ts';
import { LocalhostWorkers } from './localhost-workers.ts';
import { CHANNEL_FD } from './process/worker-process.ts';

/** `backend: localhost`: worker processes on this machine. */
export const plugin = defineBackend({
  kind: 'backend',
  name: 'localhost',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: localhostBackendOptionsSchema,
  createBackend: (options, deps) =>
    new StreamBackend(
      { name: 'localhost', sharesFiles: true },
      deps,
      (pool) => new LocalhostWorkers(options, deps, pool),
    ),
  createCallSource: () => new StreamCallSource(() => new Socket({ fd: CHANNEL_FD })),
});
