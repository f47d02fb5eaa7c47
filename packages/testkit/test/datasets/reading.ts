/** Data sets without an executor: read in this process. */
import {
  DataStorages,
  dataSetPartitions,
  silentLogger,
  systemClock,
  type DataSet,
  type DataSetPlanning,
  type Partition,
  type Storage,
} from '@splitrock/core/plugin';

/** Where only files and URLs are read: no storage is there. Tries that fail are repeated quickly. */
export const WITHOUT_STORAGE: DataSetPlanning = {
  storages: new DataStorages({
    own: { name: 'none' } as Storage,
    names: [],
    load: () => Promise.reject(new Error('there is no storage')),
    deps: { logger: silentLogger, clock: systemClock },
  }),
  cwd: '/',
  urlPatience: { attempts: 4, pauseMs: 1, maxPauseMs: 5 },
};

export const partitions = (dataSet: DataSet): AsyncIterable<Partition> => dataSetPartitions(dataSet, WITHOUT_STORAGE);

export async function listPartitions(dataSet: DataSet): Promise<Partition[]> {
  const all: Partition[] = [];
  for await (const partition of partitions(dataSet)) all.push(partition);
  return all;
}

export async function readAll(dataSet: DataSet): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const partition of partitions(dataSet)) parts.push(await partition.bytes());
  return Buffer.concat(parts);
}
