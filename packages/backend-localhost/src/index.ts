export { localhostBackendOptionsSchema, type LocalhostBackendOptions } from './localhost-backend-options.ts';
export { plugin } from './plugin.ts';
