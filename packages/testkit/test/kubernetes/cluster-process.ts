/** A process that runs a simulated cluster with one pod, tells the pod's process, and waits to be killed. */
import { setTimeout as wait } from 'node:timers/promises';
import { startSimulatedKubernetes } from '../../src/kubernetes/index.ts';

const kubernetes = await startSimulatedKubernetes({
  nodes: [{ name: 'node-a' }],
  images: { sleeper: { kind: 'process', entrypoint: ['/bin/sh', '-c', 'sleep 1000 & wait'] } },
});
const { token } = (JSON.parse(kubernetes.kubeconfig) as { users: [{ user: { token: string } }] }).users[0].user;
await fetch(`${kubernetes.url}/api/v1/namespaces/default/pods`, {
  method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: JSON.stringify({ metadata: { name: 'one' }, spec: { containers: [{ name: 'main', image: 'sleeper' }] } }),
});
let pids: number[] = [];
while (pids.length === 0) {
  await wait(10);
  pids = kubernetes.processesOf({ name: 'one' });
}
console.log(pids.join());
await wait(60_000);
