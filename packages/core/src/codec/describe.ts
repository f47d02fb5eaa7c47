/** Makes the outline of any object: asks the extension, refuses what cannot travel, degrades what is not known. */
import { types } from 'node:util';
import { builtinShape, type Shape } from './builtin-shapes.ts';
import { EXTENSION_DATA, NODE } from './format.ts';
import { classOfPrototype, globalClass, intrinsicOf, isNative } from './intrinsics.ts';
import { NO_PROPERTIES, outline, keyLabel, type Outline, type OwnProperties } from './outline.ts';
import { collectProperties } from './own-properties.ts';
import { ACCESSOR, classReason, exoticReason, functionReason, PROXY, type Reason } from './refusals.ts';
import type { BinaryTable } from './binary-table.ts';
import type { ExtensionNode, GraphExtension, GraphSite } from './graph-extension.ts';

export interface DescribeContext {
  readonly extension: GraphExtension | undefined;
  readonly binary: BinaryTable;
  readonly site: GraphSite;
  /** Throws the error for a value that cannot travel. @param label - the last piece of the path. */
  readonly refuse: (reason: Reason, value: unknown, label?: string) => never;
  /** Reports that instances of a class lose it. */
  readonly degrade: (className: string) => void;
}

export class Describer {
  readonly #context: DescribeContext;
  /** Prototypes are asked about before they are visited; the extension is promised one question per identity. */
  readonly #answers = new Map<object | symbol, ExtensionNode | undefined>();

  constructor(context: DescribeContext) {
    this.#context = context;
  }

  describe(value: object | symbol): Outline {
    const node = this.#ask(value);
    if (node !== undefined) return this.#extensionOutline(value, node);
    if (typeof value === 'symbol') return symbolOutline(value);
    const { binary, refuse } = this.#context;
    if (types.isProxy(value)) return refuse(PROXY, value);
    if (typeof value === 'function') return refuse(functionReason(value), value);
    const exotic = exoticReason(value);
    if (exotic !== undefined) return refuse(exotic, value);
    const shape = builtinShape(value, binary, (reason) => refuse(reason, value));
    const reason = shape === undefined ? classReason(value) : undefined;
    if (reason !== undefined) return refuse(reason, value);
    return this.#objectOutline(value, shape ?? PLAIN_OBJECT);
  }

  #ask(value: object | symbol): ExtensionNode | undefined {
    const { extension, site } = this.#context;
    if (extension === undefined) return undefined;
    if (this.#answers.has(value)) return this.#answers.get(value);
    const answer = extension.describe(value, site);
    this.#answers.set(value, answer);
    return answer;
  }

  #objectOutline(value: object, shape: Shape): Outline {
    const lineage = this.#lineage(value, shape);
    const keys = shape.keys ?? Reflect.ownKeys(value);
    return outline(lineage.create, {
      needs: shape.needs,
      content: shape.content,
      labels: shape.labels,
      properties: this.#properties(value, keys, types.isNativeError(value) || shape.className === 'DOMException'),
      prototype: lineage.prototype,
      closed: !Object.isExtensible(value),
    });
  }

  /** How the object gets its prototype: from its kind, by a link, or not at all because its class is unknown. */
  #lineage(value: object, shape: Shape): { create: Outline['create']; prototype: object | null | undefined } {
    const prototype = Object.getPrototypeOf(value) as object | null;
    const { create, className } = shape;
    if (prototype === null) return { create, prototype };
    if (isPrototypeOfClass(prototype, className)) return { create, prototype: undefined };
    const owner = unknownClassOf(prototype);
    if (owner === undefined) {
      // Node.js gives its own errors a prototype between them and `TypeError.prototype`, which says nothing.
      return { create, prototype: types.isNativeError(value) ? undefined : prototype };
    }
    if (this.#ask(prototype) !== undefined) return { create, prototype };
    if (types.isNativeError(value)) return { create: remoteError(nameOfError(value, owner)), prototype: undefined };
    this.#context.degrade(owner);
    return { create: degraded(owner, create), prototype: undefined };
  }

  #properties(value: object, keys: readonly PropertyKey[], isError = false): OwnProperties {
    return collectProperties(value, keys, (key, property) => {
      if (isError && key === 'stack' && isNative(property.get as object)) return stackProperty(value as Error);
      if (this.#context.extension === undefined) this.#context.refuse(ACCESSOR, value, keyLabel(key));
      return undefined;
    });
  }

  #extensionOutline(value: object | symbol, node: ExtensionNode): Outline {
    const { tag, needs = [], children = [], own = [], labels = [], whole = false } = node;
    return outline(
      (out, sink) => {
        out.byte(NODE.extension);
        out.varint(sink.nameIndex(tag));
        writeData(out, node.data);
        out.varint(needs.length);
        for (const need of needs) sink.value(out, need);
      },
      {
        needs,
        children,
        whole,
        properties: typeof value === 'symbol' || own.length === 0 ? NO_PROPERTIES : this.#properties(value, own),
        closed: own.length > 0 && typeof value !== 'symbol' && !Object.isExtensible(value),
        labels: (_part, index) => (labels[index] === undefined ? `.[[${tag} ${index}]]` : `.[[${labels[index]}]]`),
      },
    );
  }
}

const PLAIN_OBJECT: Shape = { className: 'Object', create: (out) => out.byte(NODE.object) };

function writeData(out: Parameters<Outline['create']>[0], data: ExtensionNode['data']): void {
  if (data === undefined) {
    out.byte(EXTENSION_DATA.none);
  } else if (data instanceof Uint8Array) {
    out.byte(EXTENSION_DATA.bytes);
    out.varint(data.length);
    out.bytes(data);
  } else {
    out.byte(EXTENSION_DATA.json);
    out.text(JSON.stringify(data));
  }
}

function symbolOutline(symbol: symbol): Outline {
  const { description } = symbol;
  return outline((out) => {
    out.byte(NODE.symbol);
    out.byte(description === undefined ? 0 : 1);
    out.text(description ?? '');
  });
}

/** The name of the class that made the nearest prototype which belongs to one; `undefined` for chains of plain objects. */
function unknownClassOf(prototype: object): string | undefined {
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    if (types.isProxy(at) || intrinsicOf(at) !== undefined) return undefined;
    const owner = classOfPrototype(at);
    if (owner !== undefined) return owner.name === '' ? 'an anonymous class' : owner.name;
  }
  return undefined;
}

function degraded(className: string, create: Outline['create']): Outline['create'] {
  return (out, sink) => {
    out.byte(NODE.degraded);
    out.varint(sink.nameIndex(className));
    create(out, sink);
  };
}

function remoteError(name: string): Outline['create'] {
  return (out) => {
    out.byte(NODE.remoteError);
    out.text(name);
  };
}

/** Its `name` where that is plain data on it or on a class prototype of its own, else the name of its class. */
function nameOfError(error: Error, className: string): string {
  for (
    let at: object | null = error;
    at !== null && intrinsicOf(at) === undefined;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    const name: unknown = Object.getOwnPropertyDescriptor(at, 'name')?.value;
    if (typeof name === 'string') return name;
  }
  return className;
}

/** V8 13 made `stack` an accessor of its own; it is sent as the data property that it was before. */
function stackProperty(error: Error): PropertyDescriptor {
  const { stack } = error;
  return {
    value: typeof stack === 'string' ? stack : undefined,
    writable: true,
    enumerable: false,
    configurable: true,
  };
}

function isPrototypeOfClass(prototype: object, className: Shape['className']): boolean {
  if (className !== 'DOMException' && className !== 'Headers') return intrinsicOf(prototype) === className;
  return classOfPrototype(prototype) === globalClass(className);
}
