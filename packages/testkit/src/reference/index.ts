/** A backend in as few lines as the contract allows: to be read, to be compared with, and to test storages and monitorings with. */
export { plugin } from './plugin.ts';
export { referenceBackendOptionsSchema, type ReferenceBackendOptions } from './reference-backend-options.ts';
