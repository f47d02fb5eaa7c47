/**
 * A user's program: a bit of everything, wherever the configuration says that it runs. Prints what it got as JSON.
 */
import { FunctionExecutor, objects, type Partition } from 'splitrock';

await using executor = new FunctionExecutor();

const numbers = Array.from({ length: 24 }, (_, index) => index);

const squares = await executor.map((n: number) => n * n, numbers);

const sums = await executor.mapReduce(
  (n: number) => n,
  numbers,
  (values) => values.reduce((sum, value) => sum + value, 0),
  { reduceBy: (n) => n % 3 },
);

await executor.storage.put('tour/words.txt', 'one\ntwo\nthree\nfour\nfive\n');
const words = await executor.map(
  async (part: Partition) => {
    const lines: string[] = [];
    for await (const line of part.lines()) lines.push(line);
    return lines;
  },
  objects('tour/*.txt', { chunkBytes: 8 }),
);

const talkative = executor.map((n: number) => console.log(`call ${n}`), [0, 1]);
const logs: string[] = [];
talkative.on('call:log', ({ text }) => logs.push(text.trim()));
await talkative;

const failing = executor.map(
  (n: number, { attempt }) => {
    if (n > 0 && attempt <= n) throw new Error(`attempt ${attempt}`);
    return attempt;
  },
  [0, 1, 9],
  { retries: { attempts: 2, backoffMs: 1 } },
);
const outcomes = await failing.settled();

const large = await executor.callAsync((text: string) => text.repeat(2), 'x'.repeat(1_000_000));

const endless = executor.map(async () => new Promise(() => {}), [0, 1, 2]);
await new Promise<void>((resolve) => {
  endless.on('call:start', () => resolve());
});
await endless.cancel();
const cancelled = await endless.settled();

await executor.storage.delete('tour/words.txt');
console.log(
  JSON.stringify({
    squares,
    sums: [...sums],
    words: words.flat(),
    logs: logs.toSorted(),
    outcomes: outcomes.map((each) =>
      each.status === 'fulfilled' ? each.value : `${each.reason.code} ${each.attempts}`,
    ),
    large: large.length,
    cancelled: cancelled.map((each) => each.status === 'rejected' && each.reason.code),
  }),
);
