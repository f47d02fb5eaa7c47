import { Socket } from 'node:net';
import { PLUGIN_API_VERSION, defineBackend } from '@splitrock/core/plugin';
import { StreamCallSource } from '@splitrock/worker/stream';
import { localhostBackendOptionsSchema } from './localhost-backend-options.ts';
import { LocalhostBackend } from './localhost-backend.ts';
import { CHANNEL_FD } from './process/worker-process.ts';

/** `backend: localhost`: worker processes on this machine. */
export const plugin = defineBackend({
  kind: 'backend',
  name: 'localhost',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: localhostBackendOptionsSchema,
  createBackend: (options, deps) => new LocalhostBackend(options, deps),
  createCallSource: () => new StreamCallSource(() => new Socket({ fd: CHANNEL_FD })),
});
