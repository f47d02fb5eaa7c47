/**
 * A subtree of control groups per node, below which its kubelet puts its pods: so a node's processes can be found, and
 * several kubelets do not take each other's pods for their own.
 */
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
/** In version 2 there is one tree; in version 1, as on the machines that this was tried on, one per controller. */
const isUnified = existsSync(join(ROOT, 'cgroup.controllers'));

/** As the kubelet is told: relative to each tree. */
export const cgroupOf = (node: string): string => `/splitrock-${node}`;

function foldersOf(node: string): string[] {
  if (isUnified) return [join(ROOT, cgroupOf(node))];
  return readdirSync(ROOT)
    .filter((name) => name !== 'unified')
    .map((controller) => join(ROOT, controller, cgroupOf(node)));
}

export async function makeCgroups(node: string): Promise<void> {
  for (const folder of foldersOf(node)) await mkdir(folder, { recursive: true });
  if (isUnified) await enableControllers(node);
  // A group without CPUs and memory of its own takes no process.
  else for (const file of ['cpuset.cpus', 'cpuset.mems']) await copyFromRoot(file, node);
}

/** Version 2: a group has the controllers that its parent hands down. */
async function enableControllers(node: string): Promise<void> {
  const controllers = (await readFile(join(ROOT, 'cgroup.controllers'), 'utf8')).trim().split(' ');
  const wanted = controllers.map((name) => `+${name}`).join(' ');
  for (const folder of [ROOT, join(ROOT, cgroupOf(node))])
    await writeFile(join(folder, 'cgroup.subtree_control'), wanted);
}

async function copyFromRoot(file: string, node: string): Promise<void> {
  const value = await readFile(join(ROOT, 'cpuset', file), 'utf8');
  await writeFile(join(ROOT, 'cpuset', cgroupOf(node), file), value);
}

/** Every process of the node's containers. */
export function processesOf(node: string): number[] {
  const tree = isUnified ? ROOT : join(ROOT, 'pids');
  const files = globSync(join(tree, cgroupOf(node), '**', 'cgroup.procs'));
  return files.flatMap((file) => idsIn(file));
}

function idsIn(file: string): number[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number);
  } catch {
    // The group went while we looked.
    return [];
  }
}

export async function removeCgroups(node: string): Promise<void> {
  // Beside version 1's trees runc uses that of version 2 where there is one.
  for (const folder of [...foldersOf(node), join(ROOT, 'unified', cgroupOf(node))]) await removeTree(folder);
}

/** Groups are removed from the leaves up; their files go by themselves. */
async function removeTree(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  }
  await rmdir(folder).catch(() => undefined);
}
