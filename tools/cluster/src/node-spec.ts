/** What a node is called and what it ADVERTISES to the scheduler; the machine's real cores are shared by all nodes. */

export interface NodeSpec {
  readonly name: string;
  /** As Kubernetes writes quantities: `8`, `500m`. */
  readonly cpu: string;
  /** As Kubernetes writes quantities: `8Gi`. */
  readonly memory: string;
}

/** Unequal, as real clusters are. */
export const DEFAULT_NODES: readonly NodeSpec[] = [
  { name: 'node-a', cpu: '8', memory: '8Gi' },
  { name: 'node-b', cpu: '4', memory: '4Gi' },
];

const SPEC = /^([a-z][a-z0-9-]{0,19}):([0-9]+m?):([0-9]+(?:Mi|Gi))$/;

/** @param text - `node-a:8:8Gi` @throws Error that shows the form */
export function parseNodeSpec(text: string): NodeSpec {
  const [, name, cpu, memory] = SPEC.exec(text) ?? [];
  if (name === undefined || cpu === undefined || memory === undefined) {
    throw new Error(`not a node: ${JSON.stringify(text)}; write NAME:CPUS:MEMORY, as in node-a:8:8Gi`);
  }
  return { name, cpu, memory };
}

/** @param text - specs with blanks or commas between */
export function parseNodeSpecs(text: string): readonly NodeSpec[] {
  const nodes = text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map(parseNodeSpec);
  const twice = nodes.find(({ name }, index) => nodes.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined) throw new Error(`two nodes are called ${twice.name}`);
  if (nodes.length === 0) throw new Error('a cluster needs a node');
  return nodes;
}

export const formatNodeSpec = ({ name, cpu, memory }: NodeSpec): string => `${name}:${cpu}:${memory}`;
