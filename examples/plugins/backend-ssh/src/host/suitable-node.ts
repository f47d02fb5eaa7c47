/** Whether the Node of a host can run a worker for this client. */
import { serialize } from 'node:v8';
import type { HostSettings } from '../options.ts';
import { unsuitableNode, type HostFailure } from './host-failure.ts';
import type { Hello } from './launcher.ts';

/** As the worker's package says in its `engines`. */
const OLDEST = [20, 19] as const;

export function unsuitable(host: HostSettings, { node, clone }: Hello): HostFailure | undefined {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return unsuitableNode(host, node, `workers need ${OLDEST.join('.')} or newer`);
  }
  // Messages are structured clones, of which Node reads only the versions that it knows.
  if (clone !== serialize(0)[1]) {
    return unsuitableNode(host, node, `messages of this client (Node ${process.versions.node}) cannot be read by it`);
  }
  return undefined;
}
