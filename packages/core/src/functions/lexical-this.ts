/**
 * The `this` that an arrow function took from the function around it. V8 does not show it among the captured
 * variables. But while that function is still running, as it is when `map()` is called inside a method, it is on the
 * stack, and a pause in our own code shows it (3 ms). That is certain when the arrow is written in the very call that is
 * being made, when it is the initial value of a const of the running function, or when the object holds the arrow as its
 * field. In all other cases a heap snapshot is asked; see `heap-snapshot.ts`.
 */
import inspector from 'node:inspector';
import type { Debugger } from 'node:inspector';
import type * as ESTree from 'estree';
import type { ScriptLocation } from './function-peek.ts';
import type { LiveInspector } from './inspector.ts';
import type { HeapSnapshot } from './heap-snapshot.ts';
import type { Scripts } from './script-registry.ts';
import { analyseSite, contains, declaratorOf, isReassigned } from './free-variables.ts';
import { childNodes, isFunctionNode, placed, type FunctionSite } from './syntax.ts';
import { ShipProblem } from './ship-errors.ts';

export interface ThisReaderTools {
  readonly live: LiveInspector;
  readonly registry: Scripts;
  /** `undefined` where the heap is too large. */
  readonly snapshot: () => HeapSnapshot | undefined;
}

/** An arrow's `this` never changes. */
const known = new WeakMap<object, { readonly value: unknown }>();

/** @throws ShipProblem `SHIP_THIS` when it cannot be told for certain. */
export function readOuterThis(fn: object, site: FunctionSite, tools: ThisReaderTools): unknown {
  let found = known.get(fn);
  if (found === undefined) {
    // A pause would stop the user's debugger as well, until a person resumes it.
    const isDebugged = inspector.url() !== undefined;
    found = (isDebugged ? undefined : fromStack(fn, site, tools)) ?? tools.snapshot()?.thisOf(fn);
    if (found === undefined) {
      throw new ShipProblem(
        'SHIP_THIS',
        'it uses a `this` of the function around it, which cannot be read from here in a process with so many objects',
      );
    }
    known.set(fn, found);
  }
  return found.value;
}

interface Frame {
  readonly location: ScriptLocation | undefined;
  readonly position: ScriptLocation;
  readonly self: unknown;
  /** Its variables, innermost scope first. */
  readonly variables: readonly Readonly<Record<string, unknown>>[];
}

function fromStack(
  fn: object,
  site: FunctionSite,
  { live, registry }: ThisReaderTools,
): { readonly value: unknown } | undefined {
  // Live values are taken during the pause; scripts are looked up after it, which needs the debugger's own commands.
  const frames = live.duringPause((paused) => paused.map((frame) => readFrame(frame, fn, live)));
  const provider = analyseSite(site).thisProvider;
  if (provider?.type === 'PropertyDefinition') {
    const owners = new Set(frames.map(({ self }) => self).filter((self) => owns(self, fn)));
    return owners.size === 1 ? { value: [...owners][0] } : undefined;
  }
  const maker = frames.find((frame) => makesArrow(frame, site, registry) || declaresArrow(frame, fn, site, registry));
  return maker === undefined || !showsThis(maker, site, registry) ? undefined : { value: maker.self };
}

function readFrame(frame: Debugger.CallFrame, fn: object, live: LiveInspector): Frame {
  const location = frame.functionLocation as ScriptLocation | undefined;
  const isNode = location === undefined || frame.url.startsWith('node:');
  const scopes = isNode
    ? []
    : frame.scopeChain.filter(({ type }) => type === 'local' || type === 'block' || type === 'closure');
  return {
    location: isNode ? undefined : location,
    position: frame.location as ScriptLocation,
    self: live.valueOfRemote(frame.this),
    // Only scopes that hold the arrow can prove anything; the others need not be kept.
    variables: scopes
      .map(({ object }) => live.valueOfRemote(object) as Record<string, unknown>)
      .filter((variables) => namesOf(fn, variables).length > 0),
  };
}

/** Names under which a scope holds a function. Variables that are not initialised yet throw when read. */
function namesOf(fn: object, variables: Readonly<Record<string, unknown>>): string[] {
  return Object.getOwnPropertyNames(variables).filter((name) => {
    try {
      return variables[name] === fn;
    } catch {
      return false;
    }
  });
}

/** Whether a frame, or a scope it runs in, has a const whose initial value is the arrow: each activation makes its own. */
function declaresArrow({ location, variables }: Frame, fn: object, arrow: FunctionSite, registry: Scripts): boolean {
  if (location === undefined || siteOfFrame(location, registry)?.script !== arrow.script) return false;
  return variables.some((scope) =>
    namesOf(fn, scope).some((name) =>
      arrow.script.scopes.scopes.some((candidate) => {
        const variable = candidate.set.get(name);
        return (
          variable !== undefined && declaratorOf(variable)?.declarator.init === arrow.node && !isReassigned(variable)
        );
      }),
    ),
  );
}

function siteOfFrame(location: ScriptLocation | undefined, registry: Scripts): FunctionSite | undefined {
  if (location === undefined) return undefined;
  const script = registry.get(location.scriptId);
  return script.parsed.around(script.offsetOf(location));
}

/** Whether a frame is at a call of which the arrow is an argument, in the function that the arrow is written in. */
function makesArrow(frame: Frame, arrow: FunctionSite, registry: Scripts): boolean {
  const site = siteOfFrame(frame.location, registry);
  if (site === undefined || site.script !== arrow.script || site.node !== enclosingFunction(arrow)) return false;
  const offset = registry.get(frame.position.scriptId).offsetOf(frame.position);
  return callsAround(site.node, arrow).some((call) => call.start <= offset && offset <= call.end);
}

function enclosingFunction(site: FunctionSite): ESTree.Node | undefined {
  let node = site.script.enclosing(site.node);
  while (node !== undefined && !isFunctionNode(node)) node = site.script.enclosing(node);
  return node;
}

/** The calls that have the arrow among their arguments, with nothing between that could keep it for later. */
function callsAround(start: ESTree.Node, arrow: FunctionSite): { readonly start: number; readonly end: number }[] {
  const calls: { start: number; end: number }[] = [];
  for (let node: ESTree.Node | undefined = start; node !== undefined && node !== arrow.node;) {
    const next: ESTree.Node | undefined = [...childNodes(node)].find((child) => contains(placed(child), arrow));
    if ((node.type === 'CallExpression' || node.type === 'NewExpression') && next !== undefined && node.callee !== next)
      calls.push(placed(node));
    node = next;
  }
  return calls;
}

/** An arrow's frame shows the `this` around it only when that arrow uses it; else it shows `undefined`. */
function showsThis(frame: Frame, arrow: FunctionSite, registry: Scripts): boolean {
  const site = siteOfFrame(frame.location, registry);
  return (
    site !== undefined && (site.node === analyseSite(arrow).thisProvider || analyseSite(site).outerThis.length > 0)
  );
}

/** A class field holds this very function: then the object is the `this` of its initialiser. */
function owns(candidate: unknown, fn: object): boolean {
  if ((typeof candidate !== 'object' && typeof candidate !== 'function') || candidate === null) return false;
  return Reflect.ownKeys(candidate).some((key) => Object.getOwnPropertyDescriptor(candidate, key)?.value === fn);
}
