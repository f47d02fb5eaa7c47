export { localhostBackendOptionsSchema, type LocalhostBackendOptions } from './localhost-backend-options.ts';
export { LocalhostBackend } from './localhost-backend.ts';
export { plugin } from './plugin.ts';
