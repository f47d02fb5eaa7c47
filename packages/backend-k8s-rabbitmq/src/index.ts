export { K8sRabbitmqBackend, type WorkQueueSetup } from './k8s-rabbitmq-backend.ts';
export {
  k8sRabbitmqBackendOptionsSchema,
  workQueueShape,
  type K8sRabbitmqBackendOptions,
  type RabbitmqSourceOptions,
  type WorkQueueOptions,
} from './k8s-rabbitmq-backend-options.ts';
export { plugin } from './plugin.ts';
export { RabbitmqCallSource } from './source/rabbitmq-call-source.ts';
