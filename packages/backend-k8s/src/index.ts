export { K8sBackend } from './k8s-backend.ts';
export { k8sBackendOptionsSchema, type K8sBackendOptions } from './k8s-backend-options.ts';
export { plugin } from './plugin.ts';
