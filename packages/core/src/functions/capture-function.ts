/** One capture: from a live function to encoded values and a list of the code that it needs. */
import { existsSync } from 'node:fs';
import { types } from 'node:util';
import { encodeValue } from '../codec/codec.ts';
import { BlindInspection } from './blind-inspection.ts';
import { BuiltIns } from './built-ins.ts';
import { CapturedGraph } from './captured-graph.ts';
import { CaptureRecord } from './capture-record.ts';
import { FunctionKnowledge } from './function-knowledge.ts';
import { warnOfGlobals } from './own-globals.ts';
import { formOf, type ModuleForm } from './explicit-form.ts';
import { prototypesIn } from './input-classes.ts';
import { LiveInspector, type Inspection } from './inspector.ts';
import type { EnvironmentRoot } from './load-function.ts';
import { loadingArtifact } from './loading-guard.ts';
import { ModuleReference, type ModuleExport } from './module-exports.ts';
import { ScriptRegistry, type Scripts } from './script-registry.ts';
import { ShipError, ShipProblem, type SourcePlace } from './ship-errors.ts';
import type { CaptureOptions } from './capture-options.ts';
import type { SitePlan } from './site-plan.ts';
import type { Stamper } from './stamped-privates.ts';
import type { FunctionSite } from './syntax.ts';

const WARN_ENVIRONMENT_BYTES = 1024 * 1024;

export interface Capture {
  readonly name: string;
  readonly environment: Uint8Array;
  readonly sites: readonly SitePlan[];
  readonly exports: ReadonlyMap<string, ModuleExport>;
  /** Live classes by the key under which their instances travel. */
  readonly classes: ReadonlyMap<string, object>;
  /** Whether its inputs and results may have `#private` members of classes that are not theirs. */
  readonly mayMeetStamps: boolean;
  readonly warnings: readonly string[];
  /** Makes an error of a problem, with the function's name and place. */
  explain(problem: ShipProblem): ShipError;
}

interface Tools {
  readonly live: Inspection;
  readonly registry: Scripts;
  readonly builtIns: BuiltIns;
}

let shared: Tools | undefined;

/** @throws ShipProblem `SHIP_NO_INSPECTOR`, unless the function is of a form that can do without. */
function sharedTools(isExplicit: boolean): Tools {
  if (shared !== undefined) return shared;
  try {
    const live = LiveInspector.connect();
    shared = { live, registry: new ScriptRegistry(live), builtIns: new BuiltIns() };
    return shared;
  } catch (error) {
    if (!isExplicit) throw error;
    const blind = new BlindInspection();
    return { live: blind, registry: blind, builtIns: new BuiltIns() };
  }
}

export interface CaptureSettings extends CaptureOptions {
  readonly maxEnvironmentBytes: number;
}

/** @throws ShipError */
export function captureFunction(fn: object, settings: CaptureSettings): Capture {
  const name = types.isProxy(fn) ? undefined : (fn as { name?: unknown }).name;
  const context = {
    functionName: typeof name === 'string' && name !== '' ? name : 'anonymous',
    place: undefined as (() => SourcePlace) | undefined,
  };
  const explain = (problem: ShipProblem): ShipError =>
    new ShipError(problem.code, {
      functionName: context.functionName,
      place: context.place?.(),
      why: problem.message,
      path: readablePath(problem.walkPath),
      remedy: problem.remedy,
      cause: problem.cause,
    });
  try {
    const loading = loadingArtifact();
    if (loading !== undefined) {
      throw new ShipProblem(
        'SHIP_WHILE_LOADING',
        `a job was started while the modules of another function (${loading.slice(0, 12)}…) were being loaded`,
      );
    }
    return { ...new Capturing(fn, settings, context).run(), name: context.functionName, explain };
  } catch (error) {
    throw error instanceof ShipProblem ? explain(error) : error;
  } finally {
    shared?.live.rest();
  }
}

/** What is worked out about a function's place in the source only when an error names it. */
interface CaptureContext {
  place: (() => SourcePlace) | undefined;
}

/** Sites whose functions captured nothing that can change, when last seen. */
const immutableSites = new WeakSet<FunctionSite>();

class Capturing {
  readonly #fn: object;
  readonly #settings: CaptureSettings;
  readonly #context: CaptureContext;
  readonly #knowledge: FunctionKnowledge;
  readonly #record: CaptureRecord;
  readonly #looksForStamps: boolean;

  constructor(fn: object, settings: CaptureSettings, context: CaptureContext, looksForStamps = false) {
    this.#looksForStamps = looksForStamps;
    this.#fn = fn;
    this.#settings = settings;
    this.#context = context;
    const { live, registry, builtIns } = sharedTools(formOf(fn) !== undefined);
    const given = 'this' in settings ? { value: settings.this } : undefined;
    this.#knowledge = new FunctionKnowledge(live, registry, builtIns, given);
    this.#record = new CaptureRecord(this.#knowledge.contextOf);
    this.#knowledge.tryCopy = (value) => this.#problemOf(value) === undefined;
  }

  run(): Omit<Capture, 'name' | 'explain'> {
    const form = formOf(this.#fn);
    const root = form?.kind === 'explicit' ? form.body : this.#fn;
    if (types.isProxy(root)) throw new ShipProblem('SHIP_PROXY', 'it is a Proxy');
    if (form?.kind !== 'module') this.#context.place = this.#knowledge.setRoot(root);
    const fn = form?.kind === 'module' ? referTo(form) : root;
    const classes = this.#inputClasses();
    const value = {
      fn: fn as EnvironmentRoot['fn'],
      ...('this' in this.#settings ? { self: this.#settings.this } : {}),
      ...(form?.kind === 'explicit' ? { captures: form.captures } : {}),
      shareable: false,
      ...(this.#looksForStamps ? { stamps: true } : {}),
      classes,
    } satisfies EnvironmentRoot;
    const environment = this.#encode(value);
    this.#record.noteImportedClasses(this.#knowledge);
    const stamper = this.#knowledge.live.canSee ? this.#record.findStamper(this.#knowledge) : undefined;
    if (stamper?.stamp === 'fields' && !this.#looksForStamps)
      return new Capturing(this.#fn, this.#settings, this.#context, true).run();
    if (stamper?.stamp === 'methods') this.#record.warn(unseenStamps(stamper));
    for (const plan of this.#record.sites.values()) {
      for (const warning of warnOfGlobals(plan, this.#knowledge)) this.#record.warn(warning);
    }
    this.#checkSize(environment, root);
    const { sites, exports, classes: table, warnings } = this.#record;
    return {
      environment,
      sites: [...sites.values()],
      exports,
      classes: table,
      mayMeetStamps: this.#looksForStamps,
      warnings: [...warnings],
    };
  }

  #graph(record: CaptureRecord): CapturedGraph {
    return new CapturedGraph(record, this.#knowledge, { looksForStamps: this.#looksForStamps });
  }

  #encode(value: EnvironmentRoot): Uint8Array {
    const encode = (root: EnvironmentRoot): Uint8Array => encodeValue(root, { extension: this.#graph(this.#record) });
    // Only after the walk is it known that nothing in it can change; then the calls of a process may share it. Most
    // often it is as it was the last time.
    const canShare = !('self' in value) && !('captures' in value);
    const site = this.#knowledge.rootSite;
    const expected = canShare && site !== undefined && immutableSites.has(site);
    const bytes = encode({ ...value, shareable: expected });
    const shareable = canShare && this.#record.isImmutable;
    if (shareable === expected) return bytes;
    if (site !== undefined) immutableSites[shareable ? 'add' : 'delete'](site);
    return encode({ ...value, shareable });
  }

  /** Classes of instances among the inputs, as far as they can travel. */
  #inputClasses(): object[] {
    const { inputs, classes = [] } = this.#settings;
    const found = new Set<object>(classes);
    for (const prototype of inputs === undefined ? [] : prototypesIn(inputs)) {
      const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
      if (typeof constructor === 'function' && !types.isProxy(constructor) && this.#canTravel(constructor))
        found.add(constructor);
    }
    return [...found];
  }

  #canTravel(cls: object): boolean {
    const problem = this.#problemOf(cls);
    if (problem !== undefined) {
      this.#record.warn(
        `Inputs hold instances of \`${(cls as { name?: string }).name ?? 'a class'}\`, which cannot travel: ${problem.message}. They arrive as plain data.`,
      );
    }
    return problem === undefined && this.#knowledge.know(cls).kind !== 'builtin';
  }

  /** Why a value cannot be sent. What it would add to the artifact is forgotten. */
  #problemOf(value: object): ShipProblem | undefined {
    try {
      encodeValue(value, { extension: this.#graph(this.#record.fork()) });
      return undefined;
    } catch (error) {
      if (error instanceof ShipProblem) return error;
      throw error;
    }
  }

  #checkSize(environment: Uint8Array, root: object): void {
    const { maxEnvironmentBytes } = this.#settings;
    if (environment.length <= Math.min(WARN_ENVIRONMENT_BYTES, maxEnvironmentBytes)) return;
    const largest = this.#largestCaptures(root);
    if (environment.length > maxEnvironmentBytes) {
      throw new ShipProblem(
        'SHIP_TOO_BIG',
        `its captured values take ${environment.length} bytes, more than the limit of ${maxEnvironmentBytes}; the largest are ${largest}`,
      );
    }
    this.#record.warn(
      `The captured values take ${environment.length} bytes and travel with the job; the largest are ${largest}. Large data is better passed as inputs or put in storage.`,
    );
  }

  #largestCaptures(root: object): string {
    const known = this.#knowledge.know(root);
    if (known.kind !== 'code') return 'not known';
    const sizes = known.plan.values.flatMap((variable) => {
      try {
        const value = this.#record.valueOf({ ...variable, shared: false }, known.plan, known.peek.scopes, root);
        return [
          {
            name: variable.name,
            bytes: encodeValue(value, { extension: new CapturedGraph(this.#record.fork(), this.#knowledge) }).length,
          },
        ];
      } catch {
        return [];
      }
    });
    const top = sizes.toSorted((a, b) => b.bytes - a.bytes).slice(0, 3);
    return top.map(({ name, bytes }) => `\`${name}\` (${bytes} bytes)`).join(', ');
  }
}

const unseenStamps = ({ cls }: Stamper): string =>
  `The class \`${(cls as { name?: string }).name ?? ''}\` can put its private methods onto objects that are no instances of it, which nothing shows. Captured objects lose them: put them on inside the function.`;

function referTo({ file, name }: ModuleForm): ModuleReference {
  if (!existsSync(file)) throw new ShipProblem('SHIP_IMPORT_UNRESOLVED', `its module \`${file}\` does not exist`);
  return new ModuleReference(file, name);
}

/** From the codec's path, `.fn.[[variable config]].server`, to steps: `config`, `.server`. */
export function readablePath(path: string): string[] {
  const steps = path.replace(/^\.(?:fn|self|captures|classes\[\d+\])/, '').split(/\.?\[\[(.*?)\]\]/);
  return steps.map((step) => step.replace(/^variable /, '')).filter((step) => step !== '');
}
