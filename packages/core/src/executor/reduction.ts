/**
 * The reduce half of a `mapReduce`: which results go into which reduce call. A reduce call is submitted when its inputs
 * are complete; nothing waits in a slot. With a fan-in the reduction is a tree, so that no call ever holds more than
 * that many results.
 */
import type { Job } from '../job/job.ts';
import { RESULT_SOURCE, type HasResults, type ResultSource } from '../job/result-source.ts';

/** Some results of one job, as one input: an array in the order of the ids. */
export class ResultGroup implements HasResults {
  readonly [RESULT_SOURCE]: ResultSource;

  constructor(job: Job<unknown>, callIds: readonly number[]) {
    this[RESULT_SOURCE] = job.resultSourceOf(callIds);
  }
}

/** One reduce call: which results it takes. */
interface ReduceStep {
  readonly from: 'map' | 'reduce';
  readonly callIds: readonly number[];
}

export interface ReductionPlan {
  readonly steps: readonly ReduceStep[];
  /** Per group, the reduce call that has its final value. */
  readonly finals: readonly number[];
}

/** Plans the reduce calls for groups of map calls. Pure. `fanIn` is at least 2. */
export function planReduction(groups: readonly (readonly number[])[], fanIn = Infinity): ReductionPlan {
  const steps: ReduceStep[] = [];
  const finals = groups.map((group) => {
    let level: readonly number[] = group;
    let from: ReduceStep['from'] = 'map';
    do {
      const next: number[] = [];
      for (let start = 0; start === 0 || start < level.length; start += Math.min(fanIn, level.length || 1)) {
        steps.push({ from, callIds: level.slice(start, start + fanIn) });
        next.push(steps.length - 1);
      }
      level = next;
      from = 'reduce';
    } while (level.length > 1);
    return level[0] as number;
  });
  return { steps, finals };
}

/** The inputs of the reduce job, once the map job's size and groups are known. */
export async function* reduceInputs(
  plan: Promise<ReductionPlan>,
  mapJob: Job<unknown>,
  reduceJob: () => Job<unknown>,
): AsyncGenerator<HasResults> {
  for (const step of (await plan).steps) {
    yield new ResultGroup(step.from === 'map' ? mapJob : reduceJob(), step.callIds);
  }
}

/** Call ids grouped by key, in order of each key's first appearance. */
export function groupByKey<K>(keys: readonly K[]): Map<K, number[]> {
  const groups = new Map<K, number[]>();
  keys.forEach((key, callId) => {
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [callId]);
    else group.push(callId);
  });
  return groups;
}
