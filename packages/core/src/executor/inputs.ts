/** What `map` takes, as types. */
import type { Job } from '../job/job.ts';
import type { CallFuture } from '../job/call-future.ts';
import type { CallContext } from '../contracts/call-context.ts';
import type { ItemsOf } from '../datasets/data-set.ts';
import type { Reduced } from './reduced.ts';

/** A value of type I, or the future of one: the call then runs once that value is there. */
export type Input<I> = I | CallFuture<I> | Reduced<I>;

/**
 * One call per item. Arrays, Sets and typed arrays are encoded before `map` returns; iterables and async iterables
 * (generators) are read as the job goes on; of a job, every result is an item; of a data set, every partition.
 */
export type Inputs<I> = Iterable<Input<I>> | AsyncIterable<Input<I>> | Job<I> | ItemsOf<I>;

/** A function that runs as a call: its item, then the call's context. */
export type CallFunction<I, R> = (item: I, context: CallContext) => R;
