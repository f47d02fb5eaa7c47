/**
 * A mount namespace per node. Kubelets, containerd and CNI plugins keep things at places that cannot be chosen, and tidy
 * up there: without this each node would remove the others' logs. What is mounted in it goes with its last process.
 */
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DaemonCommand } from './daemons.ts';
import { nodeFolder } from './place.ts';

/** Places on the machine that each node has for itself. */
const PLACES = ['/var/log/pods', '/var/log/containers', '/var/lib/cni', '/var/lib/kubelet', '/run/containerd'];

const SCRIPT = `
set -e
own=$1; shift
for place in ${PLACES.join(' ')}; do mount --bind "$own$place" "$place"; done
exec "$@"
`;

/** Mounts cover folders, so these must be there; they stay empty. */
export async function makeMountPoints(node: string): Promise<void> {
  for (const place of PLACES) {
    await mkdir(place, { recursive: true });
    await mkdir(join(ownFolder(node), place), { recursive: true });
  }
}

/** Removes those that are empty, as they are where nothing but this cluster uses them. */
export async function removeMountPoints(): Promise<void> {
  for (const place of PLACES) await rmdir(place).catch(() => undefined);
}

/** Starts a namespace. The daemon's process is the command's own. */
export const inNewMounts = (node: string, { name, command, args }: DaemonCommand): DaemonCommand => ({
  name,
  command: 'unshare',
  args: ['--mount', '--propagation', 'private', 'sh', '-c', SCRIPT, 'sh', ownFolder(node), command, ...args],
});

/** Joins the namespace that a process is in. */
export const inMountsOf = (pid: number, { name, command, args }: DaemonCommand): DaemonCommand => ({
  name,
  command: 'nsenter',
  args: [`--mount=/proc/${pid}/ns/mnt`, '--', command, ...args],
});

const ownFolder = (node: string): string => join(nodeFolder(node), 'places');
