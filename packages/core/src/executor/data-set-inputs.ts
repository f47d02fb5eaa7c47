/** Data sets as inputs of jobs: their parts, as partitions, once all objects are known. */
import type { JobRef } from '../contracts/calls.ts';
import { plannedPartitions } from '../datasets/data-set-partitions.ts';
import type { DataSet } from '../datasets/data-set.ts';
import { planDataSet } from '../datasets/plan-data-set.ts';
import { uploadFiles } from '../datasets/upload-files.ts';
import type { JobInputs } from '../job/job-inputs.ts';
import type { Composition } from './composition.ts';

export interface DataSetJob {
  readonly composition: Composition;
  readonly job: JobRef;
  /** Where relative paths begin. */
  readonly cwd: string;
  readonly signal: AbortSignal;
}

/**
 * Looks at all objects, brings files to where workers can read them, and gives the parts. Parts are made as they are
 * submitted, as many as there are: they need no reading ahead, for they are known.
 */
export async function dataSetInputs(
  dataSet: DataSet,
  { composition, job, cwd, signal }: DataSetJob,
): Promise<JobInputs> {
  const { services, dataStorages: storages } = composition;
  const planned = await planDataSet(dataSet, { storages, cwd, signal });
  signal.throwIfAborted();
  const { storage, logger, backend } = services;
  const upload = { storage, job, logger, signal, maxBytes: dataSet.maxUploadBytes };
  const objects = backend.sharesFiles === true ? planned : await uploadFiles(planned, upload);
  return { kind: 'lazy', items: plannedPartitions(dataSet, objects, { storages }), readAhead: Infinity };
}
