/**
 * Built-in objects and functions by identity: both sides have them, so only their name travels (`Math.floor`,
 * `Array.prototype.slice`, `node:fs#readFileSync`, `process.env`). What users hung onto built-ins is not one of them.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Globals of the language and of Node. What else is on `globalThis` is the user's. */
const STANDARD_GLOBALS = new Set(
  `globalThis global Infinity NaN undefined Object Function Array Number parseFloat parseInt Boolean String Symbol Date Promise RegExp Error
  AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError SuppressedError JSON Math Intl ArrayBuffer Atomics
  Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array Float16Array Float32Array Float64Array Uint8ClampedArray BigUint64Array
  BigInt64Array DataView Map BigInt Set Iterator AsyncIterator WeakMap WeakSet WeakRef Proxy Reflect FinalizationRegistry decodeURI
  decodeURIComponent encodeURI encodeURIComponent escape unescape eval isFinite isNaN console process SharedArrayBuffer WebAssembly
  DisposableStack AsyncDisposableStack Temporal Buffer URL URLSearchParams URLPattern TextEncoder TextDecoder AbortController AbortSignal Event
  EventTarget EventSource CustomEvent MessageChannel MessagePort MessageEvent BroadcastChannel DOMException Blob File FormData Headers
  Request Response WebSocket CloseEvent fetch crypto Crypto CryptoKey SubtleCrypto performance Performance PerformanceEntry PerformanceMark
  PerformanceMeasure PerformanceObserver PerformanceObserverEntryList PerformanceResourceTiming navigator Navigator structuredClone atob btoa
  setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate queueMicrotask ReadableStream ReadableStreamDefaultReader
  ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableByteStreamController ReadableStreamDefaultController TransformStream
  TransformStreamDefaultController WritableStream WritableStreamDefaultController WritableStreamDefaultWriter ByteLengthQueuingStrategy
  CountQueuingStrategy TextEncoderStream TextDecoderStream CompressionStream DecompressionStream localStorage sessionStorage Storage`.split(
    /\s+/,
  ),
);

export const isStandardGlobal = (name: string): boolean => STANDARD_GLOBALS.has(name);

const getterOf = (object: object, key: PropertyKey): unknown => Object.getOwnPropertyDescriptor(object, key)?.get;

/** Objects of the language that no global names. */
function hiddenIntrinsics(): Record<string, object> {
  const prototypeOf = (value: unknown): object => Object.getPrototypeOf(value) as object;
  const generator = function* () {};
  const asyncGenerator = async function* () {};
  return {
    '%GeneratorFunction.prototype%': prototypeOf(generator),
    '%AsyncGeneratorFunction.prototype%': prototypeOf(asyncGenerator),
    '%AsyncFunction.prototype%': prototypeOf(async () => {}),
    '%IteratorPrototype%': prototypeOf(prototypeOf([][Symbol.iterator]())),
    '%AsyncIteratorPrototype%': prototypeOf(prototypeOf(asyncGenerator.prototype)),
    '%ArrayIteratorPrototype%': prototypeOf([][Symbol.iterator]()),
    '%MapIteratorPrototype%': prototypeOf(new Map()[Symbol.iterator]()),
    '%SetIteratorPrototype%': prototypeOf(new Set()[Symbol.iterator]()),
    '%StringIteratorPrototype%': prototypeOf(''[Symbol.iterator]()),
    '%TypedArray%': prototypeOf(Uint8Array),
  };
}

const isNative = (fn: unknown): boolean =>
  typeof fn === 'function' && /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(fn));

/** Globals that Node itself writes in JavaScript, apart from functions, which are looked at when they are met. */
const NODE_CLASSES = new Set(['URL', 'URLSearchParams', 'Event', 'EventTarget', 'CustomEvent']);

/** Whether a global may be the user's own by now: `globalThis.fetch = …`. Only V8 can tell whose a function is. */
const mayBeReplaced = (name: string, value: object): boolean =>
  typeof value === 'function' && !NODE_CLASSES.has(name) && (!isNative(value) || value.name.startsWith('bound '));

const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

/** Finds the name of a built-in. One per process; knows the public modules of Node that are loaded. */
export class BuiltIns {
  readonly #names = new Map<object, string>();
  #modulesSeen = 0;

  constructor() {
    for (const name of STANDARD_GLOBALS) {
      const descriptor = Object.getOwnPropertyDescriptor(globalThis, name);
      // Getters load parts of Node on first use, or warn; those are compared by name when asked for.
      if (isObject(descriptor?.value) && !mayBeReplaced(name, descriptor.value))
        this.#add(descriptor.value, name, name === 'process' || name === 'globalThis' ? 0 : 3);
    }
    for (const [name, value] of Object.entries(hiddenIntrinsics())) this.#add(value, name, 2);
    this.#names.set(process.env, 'process.env');
    for (const key of [
      'cwd',
      'hrtime',
      'memoryUsage',
      'nextTick',
      'uptime',
      'emitWarning',
      'exit',
      'kill',
      'cpuUsage',
    ] as const) {
      this.#names.set(process[key], `process.${key}`);
    }
    this.#names.set(process.hrtime.bigint, 'process.hrtime.bigint');
  }

  /** The name of a built-in, `undefined` for anything else. Cheap for what is known, and for plain objects. */
  nameOf(value: object): string | undefined {
    return this.#names.get(value);
  }

  /** Like {@link nameOf}, and also looks where looking is dearer: lazy globals and Node's modules. */
  search(value: object): string | undefined {
    return this.#names.get(value) ?? this.#searchLazyGlobals(value) ?? this.#searchModules(value);
  }

  #add(value: object, name: string, depth: number): void {
    if (
      this.#names.has(value) ||
      (typeof value === 'function' && depth > 0 && !isNative(value) && !STANDARD_GLOBALS.has(name))
    )
      return;
    this.#names.set(value, name);
    if (depth === 0) return;
    for (const key of Reflect.ownKeys(value)) {
      const text = typeof key === 'string' ? key : wellKnownSymbolName(key);
      if (text === undefined || text.includes('.')) continue;
      const descriptor = Object.getOwnPropertyDescriptor(value, key) as PropertyDescriptor;
      if (isObject(descriptor.value)) this.#addMember(descriptor.value, `${name}.${text}`, depth);
      if (descriptor.get !== undefined) this.#addMember(descriptor.get, `${name}.${text}.<get>`, 1);
      if (descriptor.set !== undefined) this.#addMember(descriptor.set, `${name}.${text}.<set>`, 1);
    }
  }

  // Something a user put on a built-in (a polyfill, `Array.prototype.mine`) is the user's code: it is not native.
  #addMember(value: object, name: string, depth: number): void {
    const ours =
      typeof value === 'function' ? isNative(value) : /(?:prototype|Intl\.\w+|console|JSON|Math)$/.test(name);
    if (ours || /^(?:Buffer|URL|console|Event|Abort|Text|Headers|Request|Response|Blob|DOM)/.test(name)) {
      if (!this.#names.has(value)) this.#names.set(value, name);
      if (depth > 1 && (name.endsWith('prototype') || name.startsWith('Intl.'))) {
        this.#names.delete(value);
        this.#add(value, name, depth - 1);
        this.#names.set(value, name);
      }
    }
  }

  #searchLazyGlobals(value: object): string | undefined {
    const name =
      typeof value === 'function' ? value.name : (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag];
    if (typeof name !== 'string') return undefined;
    for (const candidate of [name, name.toLowerCase()]) {
      const isLazy = getterOf(globalThis, candidate) !== undefined || typeof value === 'function';
      if (STANDARD_GLOBALS.has(candidate) && isLazy && Reflect.get(globalThis, candidate) === value) {
        this.#add(value, candidate, 2);
        return candidate;
      }
    }
    return undefined;
  }

  #searchModules(value: object): string | undefined {
    const loaded = (process as unknown as { moduleLoadList?: string[] }).moduleLoadList ?? [];
    for (; this.#modulesSeen < loaded.length; this.#modulesSeen += 1) {
      const match = /^NativeModule ([a-z_]+(?:\/[a-z_]+)*)$/.exec(loaded[this.#modulesSeen] as string);
      if (match !== null && !/^(?:internal|_)/.test(match[1] as string)) this.#addModule(match[1] as string);
    }
    return this.#names.get(value);
  }

  #addModule(id: string): void {
    let exports: unknown;
    try {
      exports = require(`node:${id}`);
    } catch {
      return;
    }
    if (!isObject(exports)) return;
    this.#remember(exports, `node:${id}`);
    // `fs.promises` is a getter, so it is not seen below.
    if (id === 'fs') this.#addModule('fs/promises');
    for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(exports))) {
      if (!isObject(descriptor.value) || key.includes('.')) continue;
      this.#remember(descriptor.value, `node:${id}.${key}`);
      if (typeof descriptor.value !== 'function') {
        for (const [inner, { value }] of Object.entries(Object.getOwnPropertyDescriptors(descriptor.value))) {
          if (typeof value === 'function') this.#remember(value, `node:${id}.${key}.${inner}`);
        }
      } else if (isObject((descriptor.value as { prototype?: unknown }).prototype))
        this.#rememberClass(descriptor.value, `node:${id}.${key}`);
    }
  }

  #rememberClass(fn: { prototype?: unknown }, name: string): void {
    this.#remember(fn.prototype as object, `${name}.prototype`);
    for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(fn.prototype as object))) {
      if (typeof value === 'function' && key !== 'constructor') this.#remember(value, `${name}.prototype.${key}`);
    }
  }

  #remember(value: object, name: string): void {
    if (!this.#names.has(value)) this.#names.set(value, name);
  }
}

function wellKnownSymbolName(symbol: symbol): string | undefined {
  const match = /^Symbol\.(\w+)$/.exec(symbol.description ?? '');
  return match !== null && Reflect.get(Symbol, match[1] as string) === symbol ? `@@${match[1]}` : undefined;
}

/** The built-in of that name in this process; `undefined` when this Node has none. */
export function resolveBuiltIn(name: string): unknown {
  const hidden = /^%[^%]+%/.exec(name)?.[0];
  const module = /^node:[^.]+/.exec(name)?.[0];
  const root = hidden ?? module;
  const segments = (root === undefined ? name : name.slice(root.length + 1))
    .split('.')
    .filter((segment) => segment !== '');
  let value: unknown =
    hidden !== undefined ? hiddenIntrinsics()[hidden] : module !== undefined ? require(module) : globalThis;
  for (let index = 0; index < segments.length; index += 1) {
    if (!isObject(value)) return undefined;
    const segment = segments[index] as string;
    const key = segment.startsWith('@@') ? (Reflect.get(Symbol, segment.slice(2)) as symbol) : segment;
    const accessor = segments[index + 1];
    if (accessor === '<get>' || accessor === '<set>')
      return Object.getOwnPropertyDescriptor(value, key)?.[accessor === '<get>' ? 'get' : 'set'];
    value = Reflect.get(value, key);
  }
  return value;
}
