/** Delay statistics of flights: how to read them from a Parquet file, and how to merge them. */
import { parquetMetadataAsync, parquetRead, type AsyncBuffer, type FileMetaData } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/** Sums of some flights. */
export interface Delays {
  flights: number;
  /** Sum of all delays in minutes; early arrivals count as negative. */
  minutes: number;
  /** Flights that were more than a quarter of an hour late. */
  late: number;
}

export interface DelayStatistics {
  readonly byAirport: Map<string, Delays>;
  /** 24 entries: by the hour of departure. */
  readonly byHour: readonly Delays[];
}

/** Some rows of a Parquet file: from `rowStart` to `rowEnd`, which is not included. */
export interface RowRange {
  readonly rowStart: number;
  readonly rowEnd: number;
}

const LATE_MINUTES = 15;

const noDelays = (): Delays => ({ flights: 0, minutes: 0, late: 0 });

/** One range per row group of the file: whole groups, because a part of one would decompress all of it. */
export async function rowRanges(file: AsyncBuffer): Promise<RowRange[]> {
  const { row_groups: groups }: FileMetaData = await parquetMetadataAsync(file);
  let rowStart = 0;
  return groups.map((group) => {
    const range = { rowStart, rowEnd: rowStart + Number(group.num_rows) };
    rowStart = range.rowEnd;
    return range;
  });
}

/** Reads three columns of some rows and sums them up. */
export async function delaysOf(file: AsyncBuffer, range: RowRange): Promise<DelayStatistics> {
  const columns = new Map<string, ArrayLike<unknown>>();
  await parquetRead({
    file,
    compressors,
    columns: ['date', 'delay', 'origin'],
    ...range,
    onChunk: ({ columnName, columnData }) => columns.set(columnName, columnData),
  });
  const dates = columns.get('date') as ArrayLike<Date>;
  const delays = columns.get('delay') as ArrayLike<bigint>;
  const origins = columns.get('origin') as ArrayLike<string>;
  const byAirport = new Map<string, Delays>();
  const byHour = Array.from({ length: 24 }, noDelays);
  for (let row = 0; row < dates.length; row += 1) {
    const airport = origins[row] as string;
    const sums = byAirport.get(airport) ?? noDelays();
    byAirport.set(airport, sums);
    const minutes = Number(delays[row]);
    for (const entry of [sums, byHour[(dates[row] as Date).getUTCHours()] as Delays]) {
      entry.flights += 1;
      entry.minutes += minutes;
      if (minutes > LATE_MINUTES) entry.late += 1;
    }
  }
  return { byAirport, byHour };
}

/** Adds statistics up. */
export function mergeDelays(parts: readonly DelayStatistics[]): DelayStatistics {
  const byAirport = new Map<string, Delays>();
  const byHour = Array.from({ length: 24 }, noDelays);
  for (const part of parts) {
    for (const [airport, sums] of part.byAirport)
      byAirport.set(airport, add(byAirport.get(airport) ?? noDelays(), sums));
    part.byHour.forEach((sums, hour) => add(byHour[hour] as Delays, sums));
  }
  return { byAirport, byHour };
}

function add(to: Delays, more: Delays): Delays {
  to.flights += more.flights;
  to.minutes += more.minutes;
  to.late += more.late;
  return to;
}
