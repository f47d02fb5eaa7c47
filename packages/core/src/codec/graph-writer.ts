/**
 * Writes a graph as nodes. Each object is described once; the record that creates it is written when it is first met
 * (after those it needs), the record that fills it when the walk leaves it, so that children are filled before parents.
 * The walk keeps its own stack: a list of 100,000 links is no deeper for it than one link.
 */
import { BinaryTable } from './binary-table.ts';
import { ByteWriter } from './byte-writer.ts';
import { Describer } from './describe.ts';
import { FILL, HEADER_BYTES, LAYOUT, NODE, VALUE } from './format.ts';
import { aligned, sealFrame, V8_FORMAT, writeV8Payload } from './frame.ts';
import { linkLabel, linksOf, outline, type Outline, type ValueSink } from './outline.ts';
import { writeProperties } from './own-properties.ts';
import { isReference, writePrimitive } from './values.ts';
import type { GraphExtension, RefusalKind } from './graph-extension.ts';
import type { PlainScanner } from './plain-scanner.ts';
import type { Reason } from './refusals.ts';

export interface GraphWriterOptions {
  readonly extension: GraphExtension | undefined;
  /** Finds what may go raw; `undefined` to send nothing so. */
  readonly scanner: PlainScanner | undefined;
  readonly onDegraded: (className: string, path: string) => void;
  readonly errorFor: (reason: Reason, path: string, value: unknown) => Error;
}

interface Entry {
  /** Number of the node; -1 while what it needs is not created. */
  id: number;
  readonly outline: Outline;
  /** Created by its fill record, because something it needs is. */
  deferred: boolean;
  state: 'met' | 'open' | 'left';
}

interface Visit {
  readonly entry: Entry;
  readonly outline: Outline;
  readonly links: readonly unknown[];
  next: number;
}

export class GraphWriter implements ValueSink {
  readonly #options: GraphWriterOptions;
  readonly #entries = new Map<object | symbol, Entry>();
  readonly #stack: Visit[] = [];
  /** Entries whose needs are being created, innermost last, with the index of the need at hand. */
  readonly #waiting: { entry: Entry; need: number }[] = [];
  readonly #names = new Map<string, number>();
  readonly #nameTexts = new ByteWriter();
  readonly #rawRoots = new Map<object, number>();
  readonly #binary = new BinaryTable();
  readonly #creates = new ByteWriter();
  readonly #fills = new ByteWriter();
  readonly #describer: Describer;
  #created = 0;
  #filled = 0;

  constructor(options: GraphWriterOptions) {
    this.#options = options;
    this.#describer = new Describer({
      extension: options.extension,
      binary: this.#binary,
      site: { path: () => this.#path() },
      refuse: (reason, value, label = '') => {
        throw options.errorFor(reason, this.#path() + label, value);
      },
      degrade: (className) => options.onDegraded(className, this.#path()),
    });
  }

  /** The message of a value. */
  write(root: unknown): Buffer {
    this.#visit(root);
    this.#walk();
    this.#settle();
    const body = new ByteWriter(1024, HEADER_BYTES);
    const payload = this.#rawRoots.size === 0 ? undefined : writeV8Payload([...this.#rawRoots.keys()]);
    body.varint(payload?.length ?? 0);
    if (payload !== undefined) body.bytes(payload);
    body.varint(this.#names.size);
    body.bytes(this.#nameTexts.written());
    const segments = this.#binary.write(body);
    body.varint(this.#created);
    body.bytes(this.#creates.written());
    body.varint(this.#filled);
    body.bytes(this.#fills.written());
    this.value(body, root);
    return assemble(body.written(), segments, payload === undefined ? 0 : V8_FORMAT);
  }

  value(out: ByteWriter, value: unknown): void {
    if (writePrimitive(out, value)) return;
    const entry = this.#entries.get(value as object);
    out.byte(entry === undefined ? VALUE.raw : VALUE.node);
    out.varint(entry === undefined ? (this.#rawRoots.get(value as object) as number) : entry.id);
  }

  nameIndex(name: string): number {
    let index = this.#names.get(name);
    if (index === undefined) {
      index = this.#names.size;
      this.#names.set(name, index);
      this.#nameTexts.text(name);
    }
    return index;
  }

  #walk(): void {
    for (let visit = this.#stack.at(-1); visit !== undefined; visit = this.#stack.at(-1)) {
      if (visit.next < visit.links.length) {
        this.#visit(visit.links[visit.next++]);
      } else {
        this.#stack.pop();
        visit.entry.state = 'left';
        this.#fill(visit.entry, visit.outline);
      }
    }
  }

  /** Meets a value: nothing to do for primitives, for what was met before and for what goes raw. */
  #visit(value: unknown): void {
    if (!isReference(value)) return;
    let entry = this.#entries.get(value);
    if (entry === undefined) {
      if (this.#goesRaw(value)) return;
      entry = this.#admit(value);
    }
    if (entry.state === 'met') this.#open(entry, entry.outline);
    else if (entry.state === 'open' && entry.deferred) this.#refuseCycle(value);
  }

  #open(entry: Entry, node: Outline): void {
    entry.state = 'open';
    this.#stack.push({ entry, outline: node, links: linksOf(node), next: 0 });
  }

  #goesRaw(value: object | symbol): boolean {
    if (typeof value === 'symbol') return false;
    if (this.#rawRoots.has(value)) return true;
    if (this.#options.scanner?.isPlain(value) !== true) return false;
    this.#rawRoots.set(value, this.#rawRoots.size);
    return true;
  }

  /** Numbers a node and writes its create record; first those of all it needs, however long the chain. */
  #admit(value: object | symbol): Entry {
    const first = this.#wait(value);
    for (let top = this.#waiting.at(-1); top !== undefined; top = this.#waiting.at(-1)) {
      // A whole node is created when it is filled, and by then its needs, visited like children, are.
      if (top.need < top.entry.outline.needs.length && !top.entry.outline.whole) {
        this.#need(top.entry, top.entry.outline.needs[top.need]);
        // The entry that was pushed for this need, if any, shows the label of the need until it is created.
        if (this.#waiting.at(-1) === top) top.need++;
      } else {
        this.#waiting.pop();
        this.#create(top.entry);
      }
    }
    return first;
  }

  #wait(value: object | symbol): Entry {
    const node = this.#describer.describe(value);
    const entry: Entry = { id: -1, outline: node, deferred: node.whole, state: 'met' };
    this.#entries.set(value, entry);
    this.#waiting.push({ entry, need: 0 });
    return entry;
  }

  #need(dependent: Entry, need: unknown): void {
    if (!isReference(need)) return;
    const entry = this.#entries.get(need);
    if (entry === undefined) {
      if (!this.#goesRaw(need)) this.#wait(need);
      return;
    }
    if (entry.id === -1) this.#refuseCycle(need);
    if (entry.deferred) dependent.deferred = true;
  }

  #create(entry: Entry): void {
    entry.id = this.#created++;
    if (entry.deferred) this.#creates.byte(NODE.deferred);
    else entry.outline.create(this.#creates, this);
  }

  #fill(entry: Entry, node: Outline): void {
    const { content, properties, prototype, children, closed } = node;
    const creates = entry.deferred && node === entry.outline;
    const parts =
      (creates ? FILL.create : 0) |
      (content.length > 0 ? FILL.content : 0) |
      (properties.keys.length > 0 ? (properties.ordinary ? FILL.properties : FILL.attributed) : 0) |
      (prototype === undefined ? 0 : FILL.prototype) |
      (children.length > 0 ? FILL.children : 0) |
      (closed ? FILL.closed : 0);
    if (parts === 0) return;
    const out = this.#fills;
    this.#filled++;
    out.varint(entry.id);
    out.byte(parts);
    if (creates) node.create(out, this);
    if (content.length > 0) this.#list(content);
    if (properties.keys.length > 0) writeProperties(out, this, properties);
    if (prototype !== undefined) this.value(out, prototype);
    if (children.length > 0) this.#list(children);
  }

  #list(values: readonly unknown[]): void {
    this.#fills.varint(values.length);
    for (const value of values) this.value(this.#fills, value);
  }

  /** Lets the extension add children that depend on what else is in the graph, until it has no more. */
  #settle(): void {
    const graph = {
      has: (value: object | symbol): boolean =>
        this.#entries.has(value) || (typeof value === 'object' && this.#options.scanner?.has(value) === true),
    };
    const { extension } = this.#options;
    for (let late = extension?.settle?.(graph) ?? []; late.length > 0; late = extension?.settle?.(graph) ?? []) {
      for (const { of, children, path = '' } of late) {
        const entry = this.#entries.get(of);
        if (entry === undefined) throw new TypeError('an extension gave children to a value that is not in the graph');
        this.#open(
          entry,
          outline(() => undefined, { children, labels: () => path }),
        );
        this.#walk();
      }
    }
  }

  #refuseCycle(value: object | symbol): never {
    const kind: RefusalKind = 'cycle';
    const reason = {
      kind,
      what: 'a cycle through a value that must be complete before it is made',
      remedy: 'break the cycle',
    };
    throw this.#options.errorFor(reason, this.#path(), value);
  }

  #path(): string {
    let path = '';
    for (const { outline: node, next } of this.#stack) path += linkLabel(node, next - 1);
    for (const { entry, need } of this.#waiting) path += linkLabel(entry.outline, need);
    return path;
  }
}

function assemble(body: Buffer, segments: readonly Uint8Array[], v8Format: number): Buffer {
  const bodyBytes = body.length - HEADER_BYTES;
  if (segments.length === 0) return sealFrame(Buffer.from(body), LAYOUT.graph, v8Format, bodyBytes);
  let end = body.length;
  for (const segment of segments) end = aligned(end) + segment.byteLength;
  const message = Buffer.allocUnsafeSlow(end);
  body.copy(message);
  let offset = body.length;
  for (const segment of segments) {
    message.fill(0, offset, aligned(offset));
    offset = aligned(offset);
    message.set(segment, offset);
    offset += segment.byteLength;
  }
  return sealFrame(message, LAYOUT.graph, v8Format, bodyBytes);
}
