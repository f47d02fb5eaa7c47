export { sshBackendOptionsSchema, type SshBackendOptions } from './options.ts';
export { plugin } from './plugin.ts';
