import { PLUGIN_API_VERSION, defineBackend } from '@splitrock/core/plugin';
import { StreamBackend, StreamCallSource } from '@splitrock/worker/stream';
import { openStreamToClient, removeTemporaryFolderAtExit } from './client-stream.ts';
import { sshBackendOptionsSchema } from './options.ts';
import { SshWorkers } from './ssh-workers.ts';

/** `backend: ssh`: a worker on each host of a list. */
export const plugin = defineBackend({
  kind: 'backend',
  name: 'ssh',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: sshBackendOptionsSchema,
  createBackend: (options, deps) =>
    new StreamBackend({ name: 'ssh' }, deps, (pool) => new SshWorkers(options, deps, pool)),
  createCallSource(_options, { clock }) {
    removeTemporaryFolderAtExit();
    return new StreamCallSource(() => openStreamToClient(clock));
  },
});
