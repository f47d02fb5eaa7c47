export { plugin } from './plugin.ts';
export { rabbitmqMonitoringOptionsSchema, type RabbitmqMonitoringOptions } from './rabbitmq-monitoring-options.ts';
