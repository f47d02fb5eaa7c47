/** The cluster of this machine: started, changed and stopped by any process, since all of its state is in files. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { say } from './commands.ts';
import { startApi, startControlPlane, stopControlPlane } from './control-plane.ts';
import { daemonPid } from './daemons.ts';
import { importImages } from './images.ts';
import { makeNetwork, removeNetwork } from './network.ts';
import { removeMountPoints } from './node-mounts.ts';
import { formatNodeSpec, type NodeSpec } from './node-spec.ts';
import { keepReady, killNode, removeNode, startNode, type ClusterNode } from './node.ts';
import { makePki } from './pki.ts';
import { STATE, kubeconfigFile, logFile, pidFile } from './place.ts';

const nodesFile = join(STATE, 'nodes.json');
/** Archives that were loaded, for nodes that are added later. */
const archivesFile = join(STATE, 'archives.json');

/** Whether the cluster was started and not stopped; its API server may be away. */
export const isUp = async (): Promise<boolean> => existsSync(nodesFile) && (await daemonPid('etcd')) !== undefined;

/** The nodes that were started, in the order in which they were. */
export async function readNodes(): Promise<readonly ClusterNode[]> {
  return readList<ClusterNode>(nodesFile);
}

async function readList<Item>(file: string): Promise<readonly Item[]> {
  const text = await readFile(file, 'utf8').catch(() => '[]');
  return JSON.parse(text) as Item[];
}

/** Starts a cluster and waits until its nodes are Ready. What one that was cut off has left is removed first. */
export async function up(specs: readonly NodeSpec[]): Promise<void> {
  if (await isUp()) throw new Error(`a cluster is up already; its kubeconfig is ${kubeconfigFile}`);
  await down();
  for (const path of [logFile('any'), pidFile('any')]) await mkdir(join(path, '..'), { recursive: true });
  await makePki();
  await makeNetwork();
  const nodes = specs.map((spec, index) => ({ ...spec, index }));
  await writeFile(nodesFile, JSON.stringify(nodes));
  await startControlPlane();
  await Promise.all(nodes.map((node) => startNode(node)));
  say(`up: ${specs.map(formatNodeSpec).join(' ')}`);
}

/** Stops everything that runs and removes everything but the cache. Idempotent. */
export async function down(): Promise<void> {
  const nodes = await readNodes();
  // The control plane first: it would react to the nodes' end.
  if (existsSync(STATE)) await stopControlPlane();
  for (const node of nodes) await killNode(node);
  for (const node of nodes) await removeNode(node);
  if (nodes.length > 0) await removeMountPoints();
  if (existsSync(STATE)) await removeNetwork();
  await rm(STATE, { recursive: true, force: true });
}

/** A node by name. @throws Error that lists the names */
export async function nodeNamed(name: string): Promise<ClusterNode> {
  const nodes = await readNodes();
  const found = nodes.find((node) => node.name === name);
  if (found !== undefined) return found;
  throw new Error(`no node is called ${name}; there are ${nodes.map((node) => node.name).join(', ')}`);
}

/** Starts a node that was killed, or a new one when a whole spec is given. */
export async function startNodeAgain(node: NodeSpec | string): Promise<void> {
  if (typeof node === 'string') return startNode(await nodeNamed(node));
  const nodes = await readNodes();
  if (nodes.some(({ name }) => name === node.name)) throw new Error(`a node is called ${node.name} already`);
  const added: ClusterNode = { ...node, index: nodes.length };
  await writeFile(nodesFile, JSON.stringify([...nodes, added]));
  const archives = await readList<string>(archivesFile);
  await startNode(
    added,
    archives.filter((archive) => existsSync(archive)),
  );
}

/** Starts the API server after it was stopped, and waits until the nodes that run are Ready. */
export async function startApiAgain(): Promise<void> {
  await startApi();
  const since = new Date();
  await Promise.all((await runningNodes()).map((node) => keepReady(node, since)));
}

/** Brings images to every node that runs. One that is added later gets them before it joins, if the archives are still there. */
export async function load(archives: readonly string[]): Promise<void> {
  const known = await readList<string>(archivesFile);
  const added = archives.map((archive) => resolve(archive));
  await writeFile(archivesFile, JSON.stringify([...new Set([...known, ...added])]));
  for (const { name } of await runningNodes()) await importImages(name, archives);
}

async function runningNodes(): Promise<readonly ClusterNode[]> {
  const nodes = await readNodes();
  const pids = await Promise.all(nodes.map(({ name }) => daemonPid(`containerd-${name}`)));
  return nodes.filter((_node, index) => pids[index] !== undefined);
}

/** What runs, for people. */
export async function status(): Promise<readonly string[]> {
  if (!(await isUp())) return ['down'];
  const api = (await daemonPid('kube-apiserver')) === undefined ? 'stopped' : 'up';
  const running = new Set((await runningNodes()).map(({ name }) => name));
  const nodes = (await readNodes()).map(
    (node) => `node ${formatNodeSpec(node)}: ${running.has(node.name) ? 'up' : 'killed'}`,
  );
  return [`kubeconfig: ${kubeconfigFile}`, `API server: ${api}`, ...nodes];
}
