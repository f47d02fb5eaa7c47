/**
 * The main job: delay statistics of three million real flights, by a map-reduce over row ranges of a Parquet file in
 * storage, and beside it the same work in this one process.
 *
 * Runs wherever the configuration says: `SPLITROCK_BACKEND=localhost` is the default. The README shows the region, without
 * the lines that only measure.
 */
import { Report } from './report.ts';
// #region main-job
import { readFile } from 'node:fs/promises';
import { FunctionExecutor, type CallContext } from 'splitrock';
import { delaysOf, mergeDelays, rowRanges, type RowRange } from './delays.ts';
import { FLIGHTS } from './flights-file.ts';
import { openObject } from './storage-file.ts';

const KEY = 'flights-3m.parquet';

await using executor = new FunctionExecutor();
const report = new Report(); // not shown

await executor.storage.put(KEY, await readFile(FLIGHTS));
report.lap('put the file in storage'); // not shown
const ranges = await rowRanges(await openObject(executor.storage, KEY));

const delaysIn = async (range: RowRange, { storage }: CallContext) => delaysOf(await openObject(storage, KEY), range);
const flights = executor.mapReduce(delaysIn, ranges, mergeDelays, { name: 'flights', retries: 2, timeoutMs: 60_000 });
const statistics = await flights;
report.lapOf(flights); // not shown

const pictures = await executor.plot({ name: 'flights' }); // a timeline of all calls by worker, as SVG and PNG
// #endregion

report.lap('draw the pictures');
// Workers stay, with what they have imported: what a second job of the same kind takes.
await executor.mapReduce(delaysIn, ranges, mergeDelays, { name: 'flights again' });
report.lap('map and reduce again, on warm workers');
const file = await openObject(executor.storage, KEY);
const parts = [];
for (const range of ranges) parts.push(await delaysOf(file, range));
const alone = mergeDelays(parts);
report.lap('the same map and reduce in this one process');

report.compare(statistics, alone);
report.airports(statistics);
report.timings();
report.pictures(pictures);
await executor.storage.delete(KEY);
