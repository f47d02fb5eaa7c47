/** What suites use of what `set-up.ts` made. */
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { Surroundings } from './set-up.ts';

const told = process.env['SPLITROCK_E2E_SURROUNDINGS'];
if (told === undefined) throw new Error('these suites are run by `npm run e2e`');
export const surroundings = JSON.parse(told) as Surroundings;

/** One of the services' addresses. */
export function address(variable: string): string {
  const value = surroundings.services[variable];
  if (value === undefined) throw new Error(`no service told its ${variable}`);
  return value;
}

const kubeConfig = new KubeConfig();
kubeConfig.loadFromFile(surroundings.kubeconfig);
export const apiClient: KubeConfig['makeApiClient'] = (api) => kubeConfig.makeApiClient(api);
export const core = apiClient(CoreV1Api);
