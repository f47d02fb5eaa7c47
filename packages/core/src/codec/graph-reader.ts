/** Reads what {@link GraphWriter} wrote: creates every node in order, then fills every node in order. No recursion. */
import { readBinary, type BinaryData } from './binary-reader.ts';
import { ByteReader } from './byte-reader.ts';
import { corrupt } from './codec-errors.ts';
import { EXTENSION_DATA, FILL, HEADER_BYTES, NODE, VALUE } from './format.ts';
import { readV8Payload, type Frame } from './frame.ts';
import { createBuiltin } from './node-reader.ts';
import { readProperties, type PropertySource } from './own-properties.ts';
import { readPrimitive } from './values.ts';
import type { GraphExtension, JsonValue, ReceivedNode } from './graph-extension.ts';

const DEFERRED = Symbol('deferred');

export interface GraphReaderOptions {
  readonly extension: GraphExtension | undefined;
  readonly onDegraded: (className: string) => void;
}

/** What an extension threw: it is not the bytes' fault. */
export class ExtensionFailure extends Error {}

export class GraphReader implements PropertySource {
  readonly #input: ByteReader;
  readonly #options: GraphReaderOptions;
  readonly #raw: readonly unknown[];
  readonly #names: readonly string[];
  readonly #binary: BinaryData;
  readonly #nodes: unknown[] = [];
  readonly #received = new Map<number, ReceivedNode>();
  readonly #readValue = (): unknown => this.value();

  constructor(frame: Frame, options: GraphReaderOptions) {
    const input = new ByteReader(frame.bytes, HEADER_BYTES, frame.bodyEnd);
    this.#input = input;
    this.#options = options;
    this.#raw = readRawRoots(input);
    this.#names = Array.from({ length: input.count() }, () => input.text());
    this.#binary = readBinary(input, frame);
  }

  read(): unknown {
    const created = this.#input.count();
    for (let id = 0; id < created; id++) this.#nodes.push(this.#create(id));
    const filled = this.#input.count(2);
    for (let index = 0; index < filled; index++) this.#fill();
    const root = this.value();
    this.#input.expectEnd();
    return root;
  }

  value(): unknown {
    const tag = this.#input.byte();
    switch (tag) {
      case VALUE.node:
        return this.#node(this.#input.varint());
      case VALUE.raw: {
        const index = this.#input.varint();
        if (index >= this.#raw.length) throw corrupt('a value refers to raw data that is not there');
        return this.#raw[index];
      }
      default:
        return readPrimitive(this.#input, tag);
    }
  }

  nameAt(index: number): string {
    const name = this.#names[index];
    if (name === undefined) throw corrupt('a name is not there');
    return name;
  }

  #node(id: number): unknown {
    if (id >= this.#nodes.length) throw corrupt('a value refers to a node that is not there yet');
    const node = this.#nodes[id];
    if (node === DEFERRED) throw corrupt('a value refers to a node that is not made yet');
    return node;
  }

  #create(id: number): unknown {
    const kind = this.#input.byte();
    switch (kind) {
      case NODE.deferred:
        return DEFERRED;
      case NODE.degraded:
        this.#options.onDegraded(this.nameAt(this.#input.varint()));
        return this.#create(id);
      case NODE.extension:
        return this.#createExtension(id);
      default:
        return createBuiltin(kind, this.#input, this.#binary, this.#readValue);
    }
  }

  #createExtension(id: number): unknown {
    const tag = this.nameAt(this.#input.varint());
    const node: ReceivedNode = { tag, data: this.#data(), needs: this.#list() };
    const { extension } = this.#options;
    if (extension === undefined)
      throw corrupt(`a node of kind ${JSON.stringify(tag)} needs the extension that wrote it`);
    this.#received.set(id, node);
    return guard(() => extension.create(node));
  }

  #data(): JsonValue | Uint8Array | undefined {
    switch (this.#input.byte()) {
      case EXTENSION_DATA.none:
        return undefined;
      case EXTENSION_DATA.json:
        return JSON.parse(this.#input.text()) as JsonValue;
      case EXTENSION_DATA.bytes:
        return Uint8Array.from(this.#input.bytes(this.#input.varint()));
      default:
        throw corrupt('the data of a node are of no known kind');
    }
  }

  #list(): unknown[] {
    return Array.from({ length: this.#input.count() }, this.#readValue);
  }

  #fill(): void {
    const id = this.#input.varint();
    const parts = this.#input.byte();
    if ((parts & FILL.create) !== 0) {
      if (this.#nodes[id] !== DEFERRED) throw corrupt('a node is made twice');
      this.#nodes[id] = this.#create(id);
    }
    const target = this.#node(id);
    if ((typeof target !== 'object' && typeof target !== 'function') || target === null) {
      // An extension may make a primitive or symbol; such a thing holds nothing.
      throw corrupt('a node that holds nothing is filled');
    }
    if ((parts & FILL.content) !== 0) fillContent(target, this.#input.count(), this.#readValue);
    if ((parts & FILL.properties) !== 0) readProperties(this.#input, this, target, false);
    if ((parts & FILL.attributed) !== 0) readProperties(this.#input, this, target, true);
    if ((parts & FILL.prototype) !== 0) setPrototype(target, this.value());
    if ((parts & FILL.children) !== 0) this.#fillExtension(id, target);
    if ((parts & FILL.closed) !== 0) Object.preventExtensions(target);
  }

  #fillExtension(id: number, target: unknown): void {
    const children = this.#list();
    const node = this.#received.get(id);
    const { extension } = this.#options;
    if (node === undefined || extension === undefined) throw corrupt('a node has children that its kind does not have');
    guard(() => extension.fill?.(target, node, children));
  }
}

function readRawRoots(input: ByteReader): readonly unknown[] {
  const length = input.varint();
  if (length === 0) return [];
  const roots = readV8Payload(input.bytes(length));
  if (!Array.isArray(roots)) throw corrupt('its raw data is no list');
  return roots;
}

function fillContent(target: object, count: number, value: () => unknown): void {
  if (Array.isArray(target)) {
    for (let index = 0; index < count; index++) target[index] = value();
  } else if (target instanceof Map) {
    for (let index = 0; index < count; index += 2) target.set(value(), value());
  } else if (target instanceof Set) {
    for (let index = 0; index < count; index++) target.add(value());
  } else {
    throw corrupt('a node has content that its kind does not have');
  }
}

function setPrototype(target: object, prototype: unknown): void {
  const isPrototype = prototype === null || typeof prototype === 'object' || typeof prototype === 'function';
  if (!isPrototype || !Reflect.setPrototypeOf(target, prototype)) {
    throw corrupt('a prototype cannot be set');
  }
}

function guard<T>(ask: () => T): T {
  try {
    return ask();
  } catch (cause) {
    throw new ExtensionFailure('an extension failed', { cause });
  }
}
