/** Recognises what never travels, and says what to do instead. No user code runs. */
import { EventEmitter } from 'node:events';
import { Stream } from 'node:stream';
import { types } from 'node:util';
import { classOfPrototype, globalClass, intrinsicOf, isNative } from './intrinsics.ts';
import type { RefusalKind } from './graph-extension.ts';
import { RESULT_SOURCE } from './result-brand.ts';

export interface Reason {
  readonly kind: RefusalKind;
  readonly what: string;
  readonly remedy: string;
}

const iteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object;
const asyncIteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}.prototype)) as object;
/** Classes of Node.js that stand for something outside the process, by name, with the modules that export them. */
const HANDLE_CLASSES: Readonly<Record<string, readonly string[]>> = {
  ChildProcess: ['child_process'],
  KeyObject: ['crypto'],
  Server: ['net', 'http', 'https', 'tls'],
  Socket: ['net', 'dgram'],
  Worker: ['worker_threads', 'cluster'],
};
const timerPrototypes: readonly unknown[] = [setTimeout, setImmediate].map((start) => {
  const timer = start(() => undefined);
  clearTimeout(timer as NodeJS.Timeout);
  clearImmediate(timer as NodeJS.Immediate);
  return Object.getPrototypeOf(timer) as unknown;
});
/** Names of globals as Node.js made them; a class of the user's is not among them. */
const globalNames: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(globalThis));

/** Why an object may not travel whatever its class; `undefined` when nothing speaks against it. */
export function exoticReason(value: object): Reason | undefined {
  if (types.isPromise(value)) return { kind: 'promise', what: 'a Promise', remedy: 'await it first' };
  if (types.isSharedArrayBuffer(value)) return SHARED_MEMORY;
  if (types.isWeakMap(value) || types.isWeakSet(value)) {
    return {
      kind: 'weak-collection',
      what: 'a WeakMap or WeakSet',
      remedy: 'its entries cannot be listed; use a Map or Set',
    };
  }
  if (types.isModuleNamespaceObject(value)) {
    return {
      kind: 'namespace',
      what: 'a module namespace',
      remedy: 'import the module inside the function, or pass the members you need',
    };
  }
  if (value === process.env) {
    return { kind: 'environment', what: 'process.env', remedy: 'pass the variables you need; the rest may be secret' };
  }
  if (value === globalThis) {
    return { kind: 'builtin-instance', what: 'the global object', remedy: 'pass the members you need' };
  }
  if (
    types.isGeneratorObject(value) ||
    iteratorPrototype.isPrototypeOf(value) ||
    asyncIteratorPrototype.isPrototypeOf(value)
  ) {
    return { kind: 'iterator', what: 'an iterator or running generator', remedy: 'make an array of it first' };
  }
  if (types.isExternal(value)) return handle('a native handle');
  return undefined;
}

export const PROXY: Reason = { kind: 'proxy', what: 'a Proxy', remedy: 'pass a copy of what it stands for' };
export const SHARED_MEMORY: Reason = {
  kind: 'shared-memory',
  what: 'shared memory',
  remedy: 'another machine cannot share it; copy it with slice()',
};
const RESULT_OF_CALLS: Reason = {
  kind: 'promise',
  what: 'the job or future of other calls inside a value',
  remedy: 'await it first; it travels only as an input by itself, or as all that a function returns',
};
export const RESIZABLE_VIEW: Reason = {
  kind: 'resizable-memory',
  what: 'a view on a resizable ArrayBuffer',
  remedy: 'whether it follows the size cannot be seen; pass the buffer itself or view.slice()',
};
export const ACCESSOR: Reason = {
  kind: 'accessor',
  what: 'a property with a getter or setter',
  remedy: 'pass its value as an ordinary property',
};

export function functionReason(value: object): Reason {
  const name = Object.getOwnPropertyDescriptor(value, 'name')?.value as unknown;
  return {
    kind: 'function',
    what: typeof name === 'string' && name !== '' ? `the function ${name}` : 'a function',
    remedy: 'functions travel only as part of the shipped function; pass plain data',
  };
}

/** Why the state of an instance of this class lies where nobody can read it; `undefined` for the user's own classes. */
export function classReason(value: object): Reason | undefined {
  if (value instanceof Stream) {
    // Of the streams a socket is no data that could be read to its end.
    return value instanceof process.getBuiltinModule('net').Socket
      ? handle('a socket')
      : { kind: 'stream', what: 'a stream', remedy: 'read it to its end and pass the data' };
  }
  for (let at = prototypeOf(value); at !== null && !types.isProxy(at); at = prototypeOf(at)) {
    if (intrinsicOf(at) !== undefined || at === EventEmitter.prototype) return undefined;
    if (timerPrototypes.includes(at)) return handle('a timer');
    if (Object.hasOwn(at, RESULT_SOURCE)) return RESULT_OF_CALLS;
    const owner = classOfPrototype(at);
    if (owner === undefined) continue;
    if (isHandleClass(owner.name, owner)) return handle(`an instance of ${owner.name}`);
    const isGlobal = globalNames.has(owner.name) && globalClass(owner.name) === owner;
    if (!isGlobal && !isNative(owner)) continue;
    if (owner.name === 'WeakRef' || owner.name === 'FinalizationRegistry') {
      return { kind: 'weak-reference', what: `a ${owner.name}`, remedy: 'pass what it refers to' };
    }
    if (/Stream|^Blob$|^Request$|^Response$/.test(owner.name)) {
      return { kind: 'stream', what: `a ${owner.name}`, remedy: 'read it to its end and pass the data' };
    }
    if (/^(?:BroadcastChannel|EventSource|Message(?:Channel|Port)|WebSocket)$/.test(owner.name))
      return handle(`a ${owner.name}`);
    const remedy = 'create it inside the function';
    return {
      kind: isGlobal ? 'builtin-instance' : 'handle',
      what: `an instance of ${ownerName(at, owner.name)}`,
      remedy,
    };
  }
  return undefined;
}

function isHandleClass(name: string, owner: object): boolean {
  const modules = Object.hasOwn(HANDLE_CLASSES, name) ? HANDLE_CLASSES[name] : undefined;
  return modules?.some((id) => (process.getBuiltinModule(id) as Record<string, unknown>)[name] === owner) ?? false;
}

function ownerName(prototype: object, name: string): string {
  const tag: unknown = Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)?.value;
  return typeof tag === 'string' && tag.startsWith('Intl.') ? tag : name;
}

function handle(what: string): Reason {
  return { kind: 'handle', what, remedy: 'create it inside the function' };
}

function prototypeOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}
