/**
 * The functions that the suite runs: ordinary ones that use nothing but their arguments and globals, so that their own
 * text is all there is to ship.
 */
import { packSelfContainedFunction, type CallContext, type PackedFunction } from '@splitrock/core/plugin';

// The contract of a function is the user's; the suite only ships it.
export type ConformanceFunction = (item: never, context: CallContext) => unknown;

export const pack = (fn: ConformanceFunction): PackedFunction =>
  packSelfContainedFunction(Function.prototype.toString.call(fn));

export const double = (item: number): number => item * 2;

export const echo = (item: unknown): unknown => item;

export const describeContext = (_item: unknown, context: CallContext): object => {
  const { executorId, jobId, jobName, callId, attempt } = context;
  return { executorId, jobId, jobName, callId, attempt };
};

export const throwOnOdd = (item: number): number => {
  if (item % 2 === 1) throw new RangeError(`${item} is odd`);
  return item;
};

export const repeat = ({ text, times }: { text: string; times: number }): string => text.repeat(times);

/** Takes `item` milliseconds and ends early when it is told to. */
export const pause = async (item: number, context: CallContext): Promise<string> => {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, item);
    context.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(context.signal.reason as Error);
    });
  });
  return `paused ${item}`;
};

/** Cannot be told anything: only the end of its process ends it. */
export const spin = (): void => {
  for (;;);
};

/** Kills its process in the first attempt of every hundredth call, waits a moment in the others. */
export const killItselfSometimes = async (item: number, context: CallContext): Promise<number> => {
  if (context.callId % 100 === 7 && context.attempt === 1) process.kill(process.pid, 'SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 1));
  return item;
};

export const exitWith = (item: number): never => process.exit(item);
