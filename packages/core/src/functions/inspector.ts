/**
 * What V8's inspector shows of live values, in the same thread and synchronously: where a function was written, and
 * the variables it can see. Nothing of the user's runs.
 *
 * Values cross by a stash, an object that both sides hold: we put a value in and ask for its remote id, or hand over
 * a remote id and take the live value out. So `[[Scopes]]` arrives as ordinary objects with live values.
 */
import type { Session } from 'node:inspector';
import type { Debugger, Runtime } from 'node:inspector';
import { createRequire } from 'node:module';
import {
  LazyPeek,
  toLiveScopes,
  type FunctionNature,
  type FunctionPeek,
  type LiveScope,
  type ScriptLocation,
} from './function-peek.ts';
import { ShipProblem } from './ship-errors.ts';

const require = createRequire(import.meta.url);
const OBJECT_GROUP = 'splitrock';
/** So many functions are peeked at before what the inspector holds for us is let go: it costs a message. */
const PEEKS_HELD = 64;

/** How live values are looked into. */
export interface Inspection {
  /** Whether captured variables can be seen at all. */
  readonly canSee: boolean;
  peek(fn: object): FunctionPeek;
  privateFields(object: object): Map<string, unknown>;
  /** The names of `#private` fields and accessors, with the `#`; those of methods are not shown. */
  privateNames(object: object): readonly string[];
  entries(collection: object): { readonly key?: unknown; readonly value: unknown }[];
  /** Lets go of all that was looked into. */
  rest(): void;
}

type ObjectProperties = Runtime.GetPropertiesReturnType & { privateProperties?: Runtime.PropertyDescriptor[] };

interface StashObject {
  in: unknown;
  out: unknown;
}

/** A session with this thread's own inspector; one per process is enough. */
export class LiveInspector implements Inspection {
  readonly canSee = true;
  readonly #session: Session;
  readonly #stash: StashObject = { in: undefined, out: undefined };
  readonly #stashId: string;
  readonly #natures = new WeakMap<object, FunctionNature>();
  #peeks = 0;
  /** Remote ids live until the next release. */
  #releases = 0;

  private constructor(session: Session) {
    this.#session = session;
    this.#stashId = this.#findStash();
  }

  static #shared: LiveInspector | undefined;

  /** @throws ShipProblem `SHIP_NO_INSPECTOR` where there is none (Bun, `--permission` without `--allow-inspector`). */
  static connect(): LiveInspector {
    if (LiveInspector.#shared !== undefined) return LiveInspector.#shared;
    try {
      const { Session } = require('node:inspector') as typeof import('node:inspector');
      const session = new Session();
      session.connect();
      LiveInspector.#shared = new LiveInspector(session);
      LiveInspector.#shared.#selfTest();
      return LiveInspector.#shared;
    } catch (cause) {
      LiveInspector.#shared = undefined;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ShipProblem('SHIP_NO_INSPECTOR', `this process has no usable inspector (${reason})`, { cause });
    }
  }

  /** Sends a protocol command; the answer is there when this returns. */
  post<Result = unknown>(method: string, params: object = {}): Result {
    let answer: { error: Error | null; result: unknown } | undefined;
    this.#session.post(method, params, (error: Error | null, result?: unknown) => {
      answer = { error, result };
    });
    if (answer === undefined) throw new Error(`${method} was not answered at once`);
    if (answer.error !== null) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result as Result;
  }

  on<Params>(event: string, listener: (params: Params) => void): () => void {
    const wrapped = (message: { params: Params }): void => listener(message.params);
    this.#session.on(event, wrapped as never);
    return () => void this.#session.off(event, wrapped as never);
  }

  /** The live value behind a remote id. */
  valueOf(objectId: string): unknown {
    this.#call('function (value) { this.out = value; }', [{ objectId }]);
    const value = this.#stash.out;
    this.#stash.out = undefined;
    return value;
  }

  /** The live value that a protocol answer describes. */
  valueOfRemote(remote: Runtime.RemoteObject): unknown {
    if (remote.objectId !== undefined) return this.valueOf(remote.objectId);
    if (remote.unserializableValue === undefined) return remote.subtype === 'null' ? null : remote.value;
    const text = remote.unserializableValue;
    return text.endsWith('n') ? BigInt(text.slice(0, -1)) : Number(text);
  }

  /**
   * Where a function was written, what it closes over, and for a bound function what it is bound to. Holds on to the
   * function until {@link rest}.
   */
  peek(fn: object): FunctionPeek {
    const nature = this.#natures.get(fn);
    if (nature !== undefined) return new LazyPeek(nature, () => this.#readScopes(fn));
    const internal = this.#internals(fn);
    const fresh = this.#natureOf(internal);
    this.#natures.set(fn, fresh);
    const scopesId = internal.get('[[Scopes]]')?.objectId;
    const release = this.#releases;
    return new LazyPeek(fresh, () =>
      release === this.#releases && scopesId !== undefined
        ? toLiveScopes(this.valueOf(scopesId))
        : this.#readScopes(fn),
    );
  }

  rest(): void {
    if (this.#peeks > 0) this.#release();
  }

  #natureOf(internal: ReadonlyMap<string, Runtime.RemoteObject>): FunctionNature {
    const read = (name: string): unknown => {
      const remote = internal.get(name);
      return remote === undefined ? undefined : this.valueOfRemote(remote);
    };
    const location = internal.get('[[FunctionLocation]]')?.value as ScriptLocation | undefined;
    if (location !== undefined) return { location };
    const target = read('[[TargetFunction]]') as object | undefined;
    if (target === undefined) return {};
    const args = read('[[BoundArgs]]') as unknown[] | undefined;
    return { bound: { target, thisArg: read('[[BoundThis]]'), args: [...(args ?? [])] } };
  }

  #readScopes(fn: object): LiveScope[] {
    const remote = this.#internals(fn).get('[[Scopes]]');
    return toLiveScopes(remote === undefined ? undefined : this.valueOfRemote(remote));
  }

  #internals(fn: object): Map<string, Runtime.RemoteObject> {
    this.#hold();
    const { internalProperties = [] } = this.#properties(fn);
    return new Map(internalProperties.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
  }

  /** The `#private` fields of an object or class, by name with the `#`. Private methods are not fields. */
  privateFields(object: object): Map<string, unknown> {
    try {
      const { privateProperties = [] } = this.#properties(object);
      const fields = new Map<string, unknown>();
      for (const property of privateProperties) {
        if (property.value !== undefined) fields.set(property.name, this.valueOfRemote(property.value));
      }
      return fields;
    } finally {
      this.#release();
    }
  }

  /** Lets go of the object only after some more: asked of many objects, one after the other. */
  privateNames(object: object): readonly string[] {
    this.#hold();
    const { privateProperties = [] } = this.#properties(object, { nonIndexedPropertiesOnly: true });
    return privateProperties.map(({ name }) => name);
  }

  /** The id under which a heap snapshot has an object. */
  heapObjectId(object: object): number {
    try {
      const { heapSnapshotObjectId } = this.post<{ heapSnapshotObjectId: string }>('HeapProfiler.getHeapObjectId', {
        objectId: this.#remoteId(object),
      });
      return Number(heapSnapshotObjectId);
    } finally {
      this.#release();
    }
  }

  /** The live object that a heap snapshot has under this id. */
  valueOfHeapObject(id: number): unknown {
    try {
      const { result } = this.post<Runtime.EvaluateReturnType>('HeapProfiler.getObjectByHeapObjectId', {
        objectId: String(id),
        objectGroup: OBJECT_GROUP,
      });
      return this.valueOfRemote(result);
    } finally {
      this.#release();
    }
  }

  /** The entries of a WeakMap (key and value) or WeakSet (value alone). */
  entries(collection: object): { readonly key?: unknown; readonly value: unknown }[] {
    try {
      const { internalProperties = [] } = this.#properties(collection);
      const remote = internalProperties.find(({ name }) => name === '[[Entries]]')?.value;
      return Array.from(
        (remote === undefined ? [] : this.valueOfRemote(remote)) as ArrayLike<{ key?: unknown; value: unknown }>,
      );
    } finally {
      this.#release();
    }
  }

  /**
   * Calls `inside` while this thread is paused with its stack visible. `inside` must not run the user's code.
   * @throws Error when the pause does not come.
   */
  duringPause<Result>(inside: (frames: readonly Debugger.CallFrame[]) => Result): Result {
    const trap = (): void => {};
    let outcome: { value: Result } | { error: unknown } | undefined;
    const off = this.on<Debugger.PausedEventDataType>('Debugger.paused', ({ callFrames }) => {
      try {
        outcome = { value: inside(callFrames) };
      } catch (error) {
        outcome = { error };
      } finally {
        this.post('Debugger.resume');
      }
    });
    try {
      this.post('Debugger.enable');
      this.post('Debugger.setBreakpointOnFunctionCall', { objectId: this.#remoteId(trap) });
      trap();
    } finally {
      off();
      this.post('Debugger.disable');
      this.#release();
    }
    if (outcome === undefined) throw new Error('the debugger did not pause');
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  #hold(): void {
    if (this.#peeks >= PEEKS_HELD) this.#release();
    this.#peeks += 1;
  }

  #properties(object: object, options: object = {}): ObjectProperties {
    return this.post('Runtime.getProperties', { objectId: this.#remoteId(object), ownProperties: true, ...options });
  }

  #remoteId(value: object): string {
    this.#stash.in = value;
    const { result } = this.#call('function () { return this.in; }', []);
    this.#stash.in = undefined;
    if (result.objectId === undefined) throw new Error('the inspector gave no id');
    return result.objectId;
  }

  #call(functionDeclaration: string, args: readonly { objectId: string }[]): Runtime.CallFunctionOnReturnType {
    return this.post('Runtime.callFunctionOn', {
      objectId: this.#stashId,
      functionDeclaration,
      arguments: args,
      objectGroup: OBJECT_GROUP,
    });
  }

  #release(): void {
    this.#peeks = 0;
    this.#releases += 1;
    this.post('Runtime.releaseObjectGroup', { objectGroup: OBJECT_GROUP });
  }

  // Under vitest's vmThreads and jest this module lives in another context than the main one: look in all of them.
  #findStash(): string {
    const key = `splitrock:${Math.random().toString(36).slice(2)}`;
    Object.defineProperty(globalThis, key, { value: this.#stash, configurable: true, enumerable: false });
    const contexts: (number | undefined)[] = [undefined];
    const off = this.on<Runtime.ExecutionContextCreatedEventDataType>(
      'Runtime.executionContextCreated',
      ({ context }) => contexts.push(context.id),
    );
    try {
      const found = this.#evaluateInContexts(key, contexts);
      if (found !== undefined) return found;
      this.post('Runtime.enable');
      this.post('Runtime.disable');
      const elsewhere = this.#evaluateInContexts(key, contexts.slice(1));
      if (elsewhere === undefined) throw new Error('the code runs in a context that the inspector does not show');
      return elsewhere;
    } finally {
      off();
      Reflect.deleteProperty(globalThis, key);
    }
  }

  #evaluateInContexts(key: string, contexts: readonly (number | undefined)[]): string | undefined {
    for (const contextId of contexts) {
      const { result } = this.post<Runtime.EvaluateReturnType>('Runtime.evaluate', {
        expression: `globalThis[${JSON.stringify(key)}]`,
        ...(contextId === undefined ? {} : { contextId }),
      });
      if (result.objectId !== undefined) return result.objectId;
    }
    return undefined;
  }

  // The inspector is no standard: find out now, not by a wrong result, if a Node shows closures in another way.
  #selfTest(): void {
    const marker = {};
    const peek = this.peek(() => marker);
    const seen = peek.scopes.some((scope) => scope.kind !== 'global' && scope.variables['marker'] === marker);
    this.rest();
    if (!seen || peek.location === undefined) throw new Error('it does not show what a known closure captured');
  }
}
