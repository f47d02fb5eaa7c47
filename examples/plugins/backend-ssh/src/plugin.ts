import { PLUGIN_API_VERSION, defineBackend } from '@splitrock/core/plugin';
import { StreamCallSource } from '@splitrock/worker/stream';
import { openStreamToClient, removeTemporaryFolderAtExit } from './client-stream.ts';
import { sshBackendOptionsSchema } from './options.ts';
import { SshBackend } from './ssh-backend.ts';

/** `backend: ssh`: a worker on each host of a list. */
export const plugin = defineBackend({
  kind: 'backend',
  name: 'ssh',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: sshBackendOptionsSchema,
  createBackend: (options, deps) => new SshBackend(options, deps),
  createCallSource(_options, { clock }) {
    removeTemporaryFolderAtExit();
    return new StreamCallSource(() => openStreamToClient(clock));
  },
});
