/** How each kind of built-in object is created again, and what it holds besides own properties. No user code runs. */
import { types } from 'node:util';
import { ERROR_CLASSES, NODE, type ErrorClassName, type ViewClassName } from './format.ts';
import { classOfPrototype, globalClass, intrinsicOf, type IntrinsicName } from './intrinsics.ts';
import { hasOnlyElements, mapEntries, setMembers } from './plain-children.ts';
import { RESIZABLE_VIEW, SHARED_MEMORY, type Reason } from './refusals.ts';
import type { BinaryTable } from './binary-table.ts';
import type { Outline } from './outline.ts';

/** The part of an outline that depends on the kind of object. */
export interface Shape {
  /** The class whose prototype the created object has. */
  readonly className: IntrinsicName | HostClassName;
  readonly create: Outline['create'];
  readonly needs?: readonly unknown[];
  readonly content?: readonly unknown[];
  readonly labels?: Outline['labels'];
  /** The own keys to send; all when absent. */
  readonly keys?: readonly PropertyKey[];
}

/** Classes that Node.js loads lazily: recognised by name first, so as not to load them. */
type HostClassName = 'DOMException' | 'Headers';

/** Longer views are not searched for extra properties: listing their keys lists every element. */
const SEARCHED_VIEW_LENGTH = 256;

/** The shape of a built-in object; `undefined` for one that has only properties. @param refuse - throws. */
export function builtinShape(value: object, binary: BinaryTable, refuse: (reason: Reason) => never): Shape | undefined {
  if (Array.isArray(value)) return arrayShape(value);
  if (types.isDate(value)) {
    const time = Date.prototype.getTime.call(value);
    return shape('Date', (out) => (out.byte(NODE.date), out.double(time)));
  }
  if (types.isMap(value)) return mapShape(value);
  if (types.isSet(value)) return setShape(value);
  if (types.isRegExp(value)) return regexpShape(value);
  if (types.isArrayBuffer(value)) {
    const index = binary.addBuffer(value);
    return shape('ArrayBuffer', (out) => (out.byte(NODE.arrayBuffer), out.varint(index)));
  }
  if (ArrayBuffer.isView(value)) return viewShape(value, binary, refuse);
  if (types.isBoxedPrimitive(value)) return boxedShape(value);
  if (types.isArgumentsObject(value)) return argumentsShape(value);
  return hostShape(value) ?? (types.isNativeError(value) ? errorShape(value) : undefined);
}

function shape(className: Shape['className'], create: Outline['create'], rest: Partial<Shape> = {}): Shape {
  return { className, create, ...rest };
}

/** An array without holes whose elements are ordinary sends them in a row; any other sends them as properties. */
function arrayShape(value: readonly unknown[]): Shape {
  const lengthIsFixed = Object.getOwnPropertyDescriptor(value, 'length')?.writable === false;
  const sent = (key: PropertyKey): boolean => key !== 'length' || lengthIsFixed;
  const content = denseElements(value);
  if (content === undefined) {
    return shape('Array', (out) => (out.byte(NODE.array), out.varint(value.length)), {
      keys: Reflect.ownKeys(value).filter(sent),
    });
  }
  return shape('Array', (out) => (out.byte(NODE.array), out.varint(0)), {
    content,
    keys: !lengthIsFixed && hasOnlyElements(value) ? [] : Reflect.ownKeys(value).slice(value.length).filter(sent),
  });
}

function denseElements(value: readonly unknown[]): readonly unknown[] | undefined {
  const elements: unknown[] = [];
  for (let index = 0; index < value.length; index++) {
    const property = Object.getOwnPropertyDescriptor(value, index);
    if (property?.writable !== true || property.enumerable !== true || property.configurable !== true) return undefined;
    elements.push(property.value);
  }
  return elements;
}

function mapShape(value: ReadonlyMap<unknown, unknown>): Shape {
  const content: unknown[] = [];
  for (const [key, item] of mapEntries(value)) content.push(key, item);
  const labels: Outline['labels'] = (_part, index) =>
    index % 2 === 0 ? `.[[key ${index / 2}]]` : `.[[value of ${nameOf(content[index - 1], (index - 1) / 2)}]]`;
  return shape('Map', (out) => out.byte(NODE.map), { content, labels });
}

function nameOf(key: unknown, position: number): string {
  if (typeof key === 'string') return JSON.stringify(key);
  return typeof key === 'number' ? String(key) : `key ${position}`;
}

function setShape(value: ReadonlySet<unknown>): Shape {
  return shape('Set', (out) => out.byte(NODE.set), {
    content: [...setMembers(value)],
    labels: (_part, index) => `.[[member ${index}]]`,
  });
}

const REGEXP_FLAGS = {
  d: 'hasIndices',
  g: 'global',
  i: 'ignoreCase',
  m: 'multiline',
  s: 'dotAll',
  u: 'unicode',
  v: 'unicodeSets',
  y: 'sticky',
};

function regexpShape(value: RegExp): Shape {
  const source = Reflect.get(RegExp.prototype, 'source', value);
  const set = Object.entries(REGEXP_FLAGS).filter(
    ([, property]) => Reflect.get(RegExp.prototype, property, value) === true,
  );
  const flags = set.map(([flag]) => flag).join('');
  const lastIndex = Object.getOwnPropertyDescriptor(value, 'lastIndex');
  const atStart = lastIndex?.value === 0 && lastIndex.writable === true;
  return shape('RegExp', (out) => (out.byte(NODE.regexp), out.text(source), out.text(flags)), {
    keys: Reflect.ownKeys(value).filter((key) => key !== 'lastIndex' || !atStart),
  });
}

function viewShape(view: ArrayBufferView, binary: BinaryTable, refuse: (reason: Reason) => never): Shape {
  const { buffer } = view as ArrayBufferView<ArrayBuffer>;
  if (types.isSharedArrayBuffer(buffer)) refuse(SHARED_MEMORY);
  if ((buffer as { readonly resizable?: boolean }).resizable === true) refuse(RESIZABLE_VIEW);
  const className = viewClassOf(view);
  const index = binary.addView(view as ArrayBufferView<ArrayBuffer>, className);
  const length = (view as Partial<Uint8Array>).length ?? 0;
  return shape(className, (out) => (out.byte(NODE.view), out.varint(index)), {
    keys: length > SEARCHED_VIEW_LENGTH ? [] : Reflect.ownKeys(view).slice(length),
  });
}

function viewClassOf(view: ArrayBufferView): ViewClassName {
  if (types.isDataView(view)) return 'DataView';
  if (types.isUint8Array(view) && chainHas(view, 'Buffer')) return 'Buffer';
  return Reflect.get(Object.getPrototypeOf(Uint8Array.prototype) as object, Symbol.toStringTag, view) as ViewClassName;
}

function chainHas(value: object, name: IntrinsicName): boolean {
  for (let at = prototypeOf(value); at !== null; at = prototypeOf(at)) if (intrinsicOf(at) === name) return true;
  return false;
}

function boxedShape(value: object): Shape {
  const name = types.isStringObject(value)
    ? 'String'
    : types.isNumberObject(value)
      ? 'Number'
      : types.isBooleanObject(value)
        ? 'Boolean'
        : types.isBigIntObject(value)
          ? 'BigInt'
          : 'Symbol';
  const { valueOf } = (globalClass(name) as { prototype: { valueOf: (this: object) => unknown } }).prototype;
  const primitive = valueOf.call(value);
  // The characters of a String object and its length are own properties that come with it, before all others.
  const implied = name === 'String' ? (primitive as string).length : 0;
  return shape(name, (out, sink) => (out.byte(NODE.boxed), sink.value(out, primitive)), {
    needs: [primitive],
    keys: Reflect.ownKeys(value)
      .slice(implied)
      .filter((key) => name !== 'String' || key !== 'length'),
  });
}

function argumentsShape(value: object): Shape {
  const length: unknown = Object.getOwnPropertyDescriptor(value, 'length')?.value;
  const count = typeof length === 'number' ? length : 0;
  return shape('Object', (out) => (out.byte(NODE.arguments), out.varint(count)), {
    keys: Reflect.ownKeys(value).filter((key) => key !== 'length' && key !== 'callee' && key !== Symbol.iterator),
  });
}

/** The built-in error class that an error is an instance of, directly or not. */
function errorShape(value: Error): Shape {
  let name: IntrinsicName | undefined;
  for (let at = prototypeOf(value); at !== null && !isErrorClass(name); at = prototypeOf(at)) name = intrinsicOf(at);
  const known = isErrorClass(name) ? name : 'Error';
  return shape(known, (out) => (out.byte(NODE.error), out.byte(ERROR_CLASSES.indexOf(known))));
}

function isErrorClass(name: string | undefined): name is ErrorClassName {
  return name !== undefined && (ERROR_CLASSES as readonly string[]).includes(name);
}

/** URL and its like keep their state in private fields, but say all of it. */
function hostShape(value: object): Shape | undefined {
  switch (hostClassOf(value)) {
    case 'URL': {
      const href = Reflect.get(URL.prototype, 'href', value);
      return shape('URL', (out) => (out.byte(NODE.url), out.text(href)));
    }
    case 'URLSearchParams': {
      const text = URLSearchParams.prototype.toString.call(value);
      return shape('URLSearchParams', (out) => (out.byte(NODE.searchParams), out.text(text)));
    }
    case 'Headers': {
      const pairs = [...Headers.prototype.entries.call(value)].flat();
      return shape(
        'Headers',
        (out) => (out.byte(NODE.headers), out.varint(pairs.length), pairs.forEach((text) => out.text(text))),
      );
    }
    case 'DOMException': {
      const message = Reflect.get(DOMException.prototype, 'message', value);
      const name = Reflect.get(DOMException.prototype, 'name', value);
      return shape('DOMException', (out) => (out.byte(NODE.domException), out.text(message), out.text(name)));
    }
    default:
      return undefined;
  }
}

const HOST_CLASSES: ReadonlySet<string> = new Set(['URL', 'URLSearchParams', 'Headers', 'DOMException']);

function hostClassOf(value: object): string | undefined {
  for (let at = prototypeOf(value); at !== null && !types.isProxy(at); at = prototypeOf(at)) {
    const owner = classOfPrototype(at);
    if (owner !== undefined && HOST_CLASSES.has(owner.name) && globalClass(owner.name) === owner) return owner.name;
  }
  return undefined;
}

function prototypeOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}
