/** Reads YAML and JSON text (JSON is YAML) into a tree that knows the line of each value. */
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Node } from 'yaml';
import { emptyMap, isSilent, type ConfigMap, type ConfigNode } from './config-tree.ts';
import type { ConfigOrigin } from './config-origin.ts';
import type { ConfigProblem } from './config-problem.ts';

export interface TextLayer {
  readonly node: ConfigMap;
  readonly problems: readonly ConfigProblem[];
}

export function parseConfigText(text: string, file: string): TextLayer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const originAt = (offset: number | undefined): ConfigOrigin =>
    offset === undefined
      ? { kind: 'file', file }
      : { kind: 'file', file, line: Math.max(1, lines.linePos(offset).line) };

  const faults = [...document.errors, ...document.warnings];
  const root = document.contents;
  if (faults.length > 0) {
    const problems = faults.map((fault) => ({ path: [], message: fault.message, origin: originAt(fault.pos[0]) }));
    return { node: emptyMap({ kind: 'file', file }), problems };
  }
  if (root === null || (isScalar(root) && root.value === null)) {
    return { node: emptyMap({ kind: 'file', file }), problems: [] };
  }
  const reader = new TreeReader(document, originAt);
  const node = reader.read(root);
  if (node.kind !== 'map') {
    reader.problems.push({
      path: [],
      message: 'must hold keys and values, like `backend: localhost`',
      origin: node.origin,
    });
    return { node: emptyMap(node.origin), problems: reader.problems };
  }
  return { node, problems: reader.problems };
}

class TreeReader {
  readonly problems: ConfigProblem[] = [];
  readonly #document: Document;
  readonly #originAt: (offset: number | undefined) => ConfigOrigin;
  readonly #open = new Set<Node>();

  constructor(document: Document, originAt: (offset: number | undefined) => ConfigOrigin) {
    this.#document = document;
    this.#originAt = originAt;
  }

  read(node: Node | null, keyOrigin?: ConfigOrigin): ConfigNode {
    const origin = keyOrigin ?? this.#originAt(node?.range?.[0]);
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target !== undefined && !this.#open.has(target)) return this.read(target, origin);
      this.problems.push({ path: [], message: `the alias *${node.source} refers to itself or to nothing`, origin });
      return { kind: 'leaf', value: null, origin };
    }
    if (isScalar(node)) return { kind: 'leaf', value: node.source === '' ? undefined : node.value, origin };
    if (node === null) return { kind: 'leaf', value: undefined, origin };
    // Remembered while its children are read, so that an alias inside cannot lead back to it for ever.
    this.#open.add(node);
    const result = this.#readCollection(node, origin);
    this.#open.delete(node);
    return result;
  }

  #readItem(item: Node): ConfigNode {
    const node = this.read(item);
    return isSilent(node) ? { kind: 'leaf', value: null, origin: node.origin } : node;
  }

  #readCollection(node: Node, origin: ConfigOrigin): ConfigNode {
    if (isSeq<Node>(node)) return { kind: 'list', items: node.items.map((item) => this.#readItem(item)), origin };
    if (!isMap<Node, Node | null>(node)) return { kind: 'leaf', value: null, origin };
    const entries = new Map<string, ConfigNode>();
    for (const { key, value } of node.items) {
      // A key's line is what people look for, also when its value begins on a later one.
      const keyOrigin = this.#originAt(key.range?.[0]);
      if (isScalar(key)) entries.set(String(key.value), this.read(value, keyOrigin));
      else this.problems.push({ path: [], message: 'keys must be plain names', origin: keyOrigin });
    }
    return { kind: 'map', entries, origin };
  }
}
