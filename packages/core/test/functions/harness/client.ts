/**
 * The client's side of the suite: captures every shape, has a worker that sees none of this run them, runs them at home
 * too, and compares. Loaded before the shapes' own program and left for it to call: see `run.ts`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { isDeepStrictEqual, inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { gunzipSync } from 'node:zlib';
import { silentLogger } from '../../../src/contracts/logger.ts';
import { FunctionShipper, type CapturedFunction, type ShippedFunction } from '../../../src/functions/ship-function.ts';
import type { Shape, Ship } from '../shapes/shape.ts';
import type { WorkerReply, WorkerRequest } from './worker.ts';

export interface Verdict {
  readonly name: string;
  /** `wrong` is a different result without an error; the other failures say so themselves. */
  readonly verdict: 'right' | 'wrong' | 'failed on the worker' | 'refused' | 'not refused' | 'names a path';
  readonly detail?: string;
}

type AnyFunction = (...args: unknown[]) => unknown;

interface Presented {
  readonly shape: Shape;
  readonly fn: AnyFunction;
  readonly thisArg: unknown;
  readonly shipped?: ShippedFunction;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface SuiteOptions {
  /** Runs the worker half: command and arguments; the paths of the requests and replies are added. */
  readonly worker: readonly [command: string, ...args: string[]];
  readonly requests: string;
  readonly replies: string;
  readonly isBundled: boolean;
}

export async function runShapes(shapes: readonly Shape[], options: SuiteOptions): Promise<Verdict[]> {
  const shipper = new FunctionShipper({ logger: silentLogger });
  const presented: Presented[] = [];
  for (const shape of shapes) presented.push(await present(shape, shipper));
  const requests = presented.flatMap(({ shape, shipped }): WorkerRequest[] =>
    shipped === undefined
      ? []
      : [
          {
            name: shape.name,
            sha256: shipped.sha256,
            artifact: shipped.artifact,
            environment: shipped.environment,
            item: shipped.encodeInput(shape.item),
          },
        ],
  );
  const replies = new Map((await runWorker(requests, options)).map((reply) => [reply.name, reply]));
  const verdicts: Verdict[] = [];
  for (const entry of presented) verdicts.push(await judge(entry, replies.get(entry.shape.name), options.isBundled));
  return verdicts;
}

async function present(shape: Shape, shipper: FunctionShipper): Promise<Presented> {
  let fn: AnyFunction | undefined;
  let thisArg: unknown;
  let captured: CapturedFunction | undefined;
  const ship: Ship = (given, options = {}) => {
    fn = given as AnyFunction;
    thisArg = options.this;
    captured = shipper.capture(given, { ...options, inputs: [shape.item] });
  };
  try {
    await shape.present(ship);
    if (fn === undefined || captured === undefined) throw new Error(`${shape.name} presents no function`);
    return { shape, fn, thisArg, shipped: await shipper.ship(captured) };
  } catch (error) {
    const { code, message, stack } = error as { code?: string; message: string; stack: string };
    return {
      shape,
      fn: fn ?? ((): void => {}),
      thisArg,
      error: { code: code ?? 'NO CODE', message: code === undefined ? stack : message },
    };
  }
}

async function runWorker(
  requests: readonly WorkerRequest[],
  { worker, requests: requestFile, replies }: SuiteOptions,
): Promise<WorkerReply[]> {
  await writeFile(requestFile, serialize(requests));
  const [command, ...args] = worker;
  // Another working directory and no conditions: nothing may lead back to the sources.
  const child = spawn(command, [...args, requestFile, replies], {
    cwd: '/',
    stdio: 'inherit',
    env: { PATH: process.env['PATH'] },
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the worker half ended with code ${String(code)}`);
  return deserialize(await readFile(replies)) as WorkerReply[];
}

async function judge(
  { shape, fn, thisArg, shipped, error }: Presented,
  reply: WorkerReply | undefined,
  isBundled: boolean,
): Promise<Verdict> {
  const { name, whenBundled } = shape;
  const bundledOutcome = whenBundled === 'travels' ? undefined : whenBundled;
  const refused = isBundled && whenBundled !== undefined ? bundledOutcome : shape.refused;
  if (refused !== undefined) {
    if (error?.code === refused) return { name, verdict: 'right' };
    return {
      name,
      verdict: error === undefined ? 'not refused' : 'refused',
      detail: `expected ${refused}, got ${error?.code ?? 'none'}: ${error?.message ?? ''}`,
    };
  }
  if (error !== undefined) return { name, verdict: 'refused', detail: `${error.code}: ${error.message}` };
  if (reply === undefined || shipped === undefined)
    return { name, verdict: 'failed on the worker', detail: 'no reply' };
  const leak = pathIn(shipped);
  if (leak !== undefined) return { name, verdict: 'names a path', detail: leak };
  if ('trouble' in reply) return { name, verdict: 'failed on the worker', detail: shipped.mapStack(reply.trouble) };
  const remote = { threw: reply.threw, value: shipped.decodeResult(reply.result) };
  const home = await runAtHome(fn, thisArg, shape.item);
  if (isSame(home, remote)) return { name, verdict: 'right' };
  return {
    name,
    verdict: remote.threw && !home.threw ? 'failed on the worker' : 'wrong',
    detail: `at home ${inspect(home, { depth: 6 })}\non the worker ${remote.value instanceof Error ? shipped.mapStack(remote.value.stack ?? '') : inspect(remote, { depth: 6 })}`,
  };
}

/**
 * Where the user's project is must not be in the code that is uploaded: the text around it. Captured values may name it
 * where the user's do, as the stack of a captured error does.
 */
function pathIn({ artifact, manifest }: ShippedFunction): string | undefined {
  for (const bytes of [gunzipSync(artifact), manifest]) {
    const text = Buffer.from(bytes).toString('latin1');
    const at = text.indexOf(process.cwd());
    if (at >= 0) return text.slice(Math.max(0, at - 60), at + 120);
  }
  return undefined;
}

interface Outcome {
  readonly threw: boolean;
  readonly value: unknown;
}

async function runAtHome(fn: AnyFunction, thisArg: unknown, item: unknown): Promise<Outcome> {
  try {
    return { threw: false, value: await Reflect.apply(fn, thisArg, [item, {}]) };
  } catch (error) {
    return { threw: true, value: error };
  }
}

function isSame(home: Outcome, remote: Outcome): boolean {
  if (home.threw !== remote.threw) return false;
  const [a, b] = [home.value, remote.value];
  if (!(a instanceof Error) || !(b instanceof Error)) return isDeepStrictEqual(a, b);
  return a.name === b.name && a.message === b.message && Object.getPrototypeOf(a) === Object.getPrototypeOf(b);
}
