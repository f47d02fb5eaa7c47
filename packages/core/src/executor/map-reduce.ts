/** `mapReduce`, made of two jobs. */
import type { CallContext } from '../contracts/call-context.ts';
import { isDataSet, observed } from '../datasets/data-set.ts';
import { isPartition } from '../datasets/partition.ts';
import { describeValue } from '../errors/describe-value.ts';
import { InvalidArgumentError } from '../errors/splitrock-error.ts';
import { checkJobOptions, type JobOptions } from '../job/job-options.ts';
import type { Job } from '../job/job.ts';
import { hasResults } from '../job/result-source.ts';
import { Reduced } from './reduced.ts';
import { groupByKey, planReduction, reduceInputs, type ReductionPlan } from './reduction.ts';

export type ReduceFunction<M, R> = (results: M[], context: CallContext) => R | PromiseLike<R>;

export interface MapReduceOptions extends JobOptions {
  /** Options of the reduce calls where they differ from the map's. */
  readonly reduce?: JobOptions;
  /**
   * The most results that one reduce call takes. With it the reduction is a tree: reduce calls take results of reduce
   * calls, so the function must accept its own results. At least 2. @defaultValue no limit
   */
  readonly fanIn?: number;
}

export interface GroupedMapReduceOptions<I, K> extends MapReduceOptions {
  /** Groups the map results by a key of their input: one reduction per key. Runs on the client. */
  readonly reduceBy: (input: I, callId: number) => K;
}

export interface ObjectMapReduceOptions extends MapReduceOptions {
  /** One reduction per object of the data set, by the object's {@link Partition.name}, over the results of its parts. */
  readonly reduceBy: 'object';
}

/** Of an input and its call id, what its result is grouped by. */
type KeyFunction = (input: unknown, callId: number) => unknown;

/** How the executor starts a job. */
type StartJob = (fn: unknown, inputs: unknown, options: JobOptions) => Job<unknown>;

/** Checks everything, then starts both jobs: the reduce calls wait on the client until their inputs are complete. */
export function startMapReduce(
  startJob: StartJob,
  map: unknown,
  inputs: unknown,
  reduce: unknown,
  options: MapReduceOptions & { readonly reduceBy?: 'object' | ((input: never, callId: number) => unknown) },
): Reduced<unknown> {
  const { reduce: reduceOptions = {}, fanIn, reduceBy, ...mapOptions } = options;
  checkReduceArguments(reduce, fanIn, reduceBy, inputs);
  const keyOf = reduceBy === 'object' ? objectOf : (reduceBy as KeyFunction | undefined);
  const ofReduce = {
    ...mapOptions,
    ...(mapOptions.name === undefined ? {} : { name: `${mapOptions.name} (reduce)` }),
    ...reduceOptions,
  };
  checkJobOptions(ofReduce);
  const keys: unknown[] = [];
  const mapInputs = keyOf === undefined ? inputs : keyed(inputs, keyOf, keys);
  const mapJob = startJob(map, mapInputs, mapOptions);
  const grouping = mapJob.finalSize.then((size) =>
    reduceBy === undefined
      ? new Map([[undefined, Array.from({ length: size }, (_, callId) => callId)]])
      : groupByKey(keys),
  );
  const plan: Promise<ReductionPlan> = grouping.then((groups) => planReduction([...groups.values()], fanIn));
  plan.catch(() => {});
  const reduceJob: Job<unknown> = startOrCancel(mapJob, () =>
    startJob(
      reduce,
      reduceInputs(plan, mapJob, () => reduceJob),
      ofReduce,
    ),
  );
  const finals = async (): Promise<[unknown, unknown][]> => {
    const { finals: callIds } = await plan;
    const values = await Promise.all(callIds.map((callId) => finalValue(reduceJob, callId)));
    return [...(await grouping).keys()].map((key, index) => [key, values[index]]);
  };
  const value = async (): Promise<unknown> =>
    reduceBy === undefined ? (await finals())[0]?.[1] : new Map(await finals());
  return new Reduced(mapJob, reduceJob, value, reduceBy === undefined);
}

/** A reduce function that cannot travel leaves no map behind that nobody asked for. */
function startOrCancel(mapJob: Job<unknown>, start: () => Job<unknown>): Job<unknown> {
  try {
    return start();
  } catch (error) {
    mapJob.cancel().catch(() => {});
    throw error;
  }
}

/** A reduce call's value. What it failed of is thrown as the map call's own error where that is the reason. */
async function finalValue(reduceJob: Job<unknown>, callId: number): Promise<unknown> {
  const outcome = await reduceJob.future(callId).settled();
  if (outcome.status === 'fulfilled') return outcome.value;
  let reason: unknown = outcome.reason;
  while (reason instanceof Error && 'code' in reason && reason.code === 'CALL_INPUT_FAILED') reason = reason.cause;
  throw reason;
}

/** Passes inputs through and notes each one's key. */
function keyed(inputs: unknown, keyOf: KeyFunction, keys: unknown[]): unknown {
  const note = (input: unknown): unknown => {
    keys.push(keyOf(input, keys.length));
    return input;
  };
  if (isDataSet(inputs)) return observed(inputs, note);
  if (Array.isArray(inputs) || inputs instanceof Set || ArrayBuffer.isView(inputs)) {
    return Array.from(inputs as unknown as Iterable<unknown>, note);
  }
  if (typeof inputs === 'object' && inputs !== null && Symbol.asyncIterator in inputs) {
    return (async function* () {
      for await (const input of inputs as AsyncIterable<unknown>) yield note(input);
    })();
  }
  if (typeof inputs === 'object' && inputs !== null && Symbol.iterator in inputs) {
    return (function* () {
      for (const input of inputs as Iterable<unknown>) yield note(input);
    })();
  }
  return inputs;
}

function objectOf(input: unknown): string {
  if (isPartition(input)) return input.name;
  throw new InvalidArgumentError(
    'ARGUMENT_INVALID',
    "mapReduce: reduceBy: 'object' needs a data set, made by objects().",
  );
}

function checkReduceArguments(reduce: unknown, fanIn: number | undefined, reduceBy: unknown, inputs: unknown): void {
  const problems = [
    ...(typeof reduce === 'function' ? [] : [`the reduce function is no function, got ${describeValue(reduce)}`]),
    ...(fanIn !== undefined && !(Number.isInteger(fanIn) && fanIn >= 2)
      ? [`fanIn must be an integer of at least 2, got ${fanIn}`]
      : []),
    ...(reduceBy !== undefined && reduceBy !== 'object' && typeof reduceBy !== 'function'
      ? ["reduceBy must be 'object' or a function of an input and its call id"]
      : []),
    ...(reduceBy !== undefined && hasResults(inputs)
      ? ['reduceBy needs the inputs themselves, which a job as input does not show']
      : []),
  ];
  if (problems.length > 0) {
    throw new InvalidArgumentError('ARGUMENT_INVALID', `mapReduce: ${problems.join('; ')}.`, { details: { problems } });
  }
}
