/**
 * The last resort for what no scope shows: which closures share a context, and which `this` a context holds. A heap
 * snapshot has both for certain. It stops the process for a few tenths of a second, and longer the more objects live,
 * so it is taken only when nothing cheaper decides, and never of a large heap.
 */
import { getHeapSnapshot, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LiveInspector } from './inspector.ts';

/** A snapshot of this much takes a few seconds; it grows faster than the heap. */
const MAX_HEAP_BYTES = 160 * 1024 * 1024;

interface SnapshotJson {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly edge_fields: readonly string[];
      readonly edge_types: readonly [readonly string[]];
    };
  };
  readonly nodes: readonly number[];
  readonly edges: readonly number[];
  readonly strings: readonly string[];
}

export class HeapSnapshot {
  readonly #live: LiveInspector;
  readonly #json: SnapshotJson;
  readonly #nodeWidth: number;
  readonly #edgeWidth: number;
  readonly #idField: number;
  readonly #edgeCountField: number;
  readonly #nodeById = new Map<number, number>();
  readonly #firstEdge: number[] = [];

  private constructor(live: LiveInspector, json: SnapshotJson) {
    this.#live = live;
    this.#json = json;
    const { node_fields: nodeFields, edge_fields: edgeFields } = json.snapshot.meta;
    this.#nodeWidth = nodeFields.length;
    this.#edgeWidth = edgeFields.length;
    this.#idField = nodeFields.indexOf('id');
    this.#edgeCountField = nodeFields.indexOf('edge_count');
    let edge = 0;
    for (let node = 0; node < json.nodes.length; node += this.#nodeWidth) {
      this.#nodeById.set(this.#field(node, this.#idField), node);
      this.#firstEdge.push(edge);
      edge += this.#field(node, this.#edgeCountField) * this.#edgeWidth;
    }
  }

  /** @returns `undefined` where the heap is too large to be looked through. */
  static take(live: LiveInspector): HeapSnapshot | undefined {
    // Much of a heap is often garbage, which is cheaper to collect than to write.
    if (process.memoryUsage().heapUsed > MAX_HEAP_BYTES) collectGarbage();
    if (process.memoryUsage().heapUsed > MAX_HEAP_BYTES) return undefined;
    return new HeapSnapshot(live, JSON.parse(readSnapshot()) as SnapshotJson);
  }

  /** Identities of the contexts that a function closes over, innermost first. */
  contextsOf(fn: object): number[] {
    return this.#contexts(fn).map((node) => this.#field(node, this.#idField));
  }

  /** The `this` that the contexts of an arrow function hold; `undefined` when they hold none. */
  thisOf(fn: object): { readonly value: unknown } | undefined {
    for (const context of this.#contexts(fn)) {
      const node = this.#target(context, 'context', 'this');
      if (node !== undefined) return { value: this.#live.valueOfHeapObject(this.#field(node, this.#idField)) };
    }
    return undefined;
  }

  #contexts(fn: object): number[] {
    const contexts: number[] = [];
    const start = this.#nodeById.get(this.#live.heapObjectId(fn));
    let node = start === undefined ? undefined : this.#target(start, 'internal', 'context');
    while (node !== undefined && !this.#name(node).includes('NativeContext')) {
      contexts.push(node);
      node = this.#target(node, 'internal', 'previous');
    }
    return contexts;
  }

  #target(node: number, type: string, name: string): number | undefined {
    const { edges, strings, snapshot } = this.#json;
    const start = this.#firstEdge[node / this.#nodeWidth] as number;
    const end = start + this.#field(node, this.#edgeCountField) * this.#edgeWidth;
    for (let edge = start; edge < end; edge += this.#edgeWidth) {
      const isType = snapshot.meta.edge_types[0][edges[edge] as number] === type;
      if (isType && strings[edges[edge + 1] as number] === name) return edges[edge + 2];
    }
    return undefined;
  }

  #field = (node: number, field: number): number => this.#json.nodes[node + field] as number;

  #name = (node: number): string => this.#json.strings[this.#field(node, 1)] as string;
}

/** Never a file: it holds every string of the process. The stream makes its data while it is read, synchronously. */
function readSnapshot(): string {
  const stream = getHeapSnapshot();
  const chunks: Buffer[] = [];
  for (let chunk: unknown = stream.read(); chunk !== null; chunk = stream.read()) chunks.push(chunk as Buffer);
  stream.destroy();
  return Buffer.concat(chunks).toString('utf8');
}

/** Synchronous, unlike the inspector's own command. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  try {
    (runInNewContext('gc') as () => void)();
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
