/** The parts of a data set, to be read in this process. */
import { partitionsOf } from './cuts.ts';
import { OBSERVER, type DataSet } from './data-set.ts';
import type { DataStorages } from './data-storages.ts';
import { Partition } from './partition.ts';
import { planDataSet, type DataSetPlanning } from './plan-data-set.ts';
import type { PlannedObject } from './planned-object.ts';

/**
 * Looks at the objects of a data set, then gives their parts, in order.
 * @throws DataSetError, StorageError, ConfigError, when the first part is asked for.
 */
export async function* dataSetPartitions(
  dataSet: DataSet,
  planning: DataSetPlanning,
): AsyncGenerator<Partition, void, void> {
  yield* plannedPartitions(dataSet, await planDataSet(dataSet, planning), planning);
}

/** The parts of planned objects, to be read here or to travel; made as they are asked for. */
export function* plannedPartitions(
  dataSet: DataSet,
  objects: readonly PlannedObject[],
  { storages, urlPatience }: { readonly storages: DataStorages } & Pick<DataSetPlanning, 'urlPatience'>,
): Generator<Partition, void, void> {
  const readers = { storages, ...(urlPatience === undefined ? {} : { urlPatience }) };
  for (const spec of partitionsOf(objects, dataSet.cutting)) {
    const partition = new Partition(spec, readers);
    dataSet[OBSERVER]?.(partition);
    yield partition;
  }
}
