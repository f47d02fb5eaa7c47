import { PLUGIN_API_VERSION, defineBackend } from '@splitrock/core/plugin';
import { referenceBackendOptionsSchema } from './reference-backend-options.ts';
import { ReferenceBackend } from './reference-backend.ts';
import { ReferenceCallSource } from './reference-call-source.ts';

/** `backend: '@splitrock/testkit/reference'`: one worker process on this machine. */
export const plugin = defineBackend({
  kind: 'backend',
  name: 'reference',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: referenceBackendOptionsSchema,
  createBackend: (options, deps) => new ReferenceBackend(options, deps),
  createCallSource: () => new ReferenceCallSource(),
});
