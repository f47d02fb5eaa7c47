/** The same suite that the testkit's simulated Kubernetes passes: what passes both is no invention of the simulation. */
import { readFile } from 'node:fs/promises';
import { VersionApi, KubeConfig } from '@kubernetes/client-node';
import { describeKubernetesFidelity } from '@splitrock/testkit/kubernetes-fidelity';
import { surroundings } from './src/surroundings.ts';

/** The image of the pods' sandboxes is on every node of this machine's own cluster, and has a shell in it. */
const OWN_SHELL = 'localhost/splitrock-pause:1';

const kubeconfig = await readFile(surroundings.kubeconfig, 'utf8');
const config = new KubeConfig();
config.loadFromString(kubeconfig);
const { minor } = await config.makeApiClient(VersionApi).getCode();
const minorVersion = Number.parseInt(minor, 10);

describeKubernetesFidelity({
  name: 'the real Kubernetes',
  // Its controllers take their time, to end a namespace half a minute and more.
  deadlineMs: 150_000,
  setup: () =>
    Promise.resolve({
      kubeconfig,
      shell: {
        image: surroundings.canBreak ? OWN_SHELL : 'docker.io/library/busybox:1',
        command: ['/bin/busybox', 'sh', '-c'],
        sleep: '/bin/busybox sleep',
      },
      close: () => Promise.resolve(),
    }),
  capabilities: {
    podSecurity: minorVersion >= 25,
    indexedJobs: minorVersion >= 24,
    forgetHistory: false,
  },
});
