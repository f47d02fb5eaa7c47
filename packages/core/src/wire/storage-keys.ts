/**
 * Where things are in storage.
 *
 *     functions/<sha256>.mjs.gz                                 a function artifact, shared by all jobs that use it
 *     functions/<sha256>.json                                   its manifest
 *     jobs/<executorId>/<jobNumber>/job                         the job descriptor
 *     jobs/<executorId>/<jobNumber>/environment                 captured values, when they are large
 *     jobs/<executorId>/<jobNumber>/inputs/<first>-<count>      an input part
 *     jobs/<executorId>/<jobNumber>/inputs-end                  written when the number of calls is final
 *     jobs/<executorId>/<jobNumber>/status/first/<workerId>     a worker's first status segment (number 0)
 *     jobs/<executorId>/<jobNumber>/status/next/<workerId>/<n>  its further status segments, from number 1
 *     jobs/<executorId>/<jobNumber>/results/<call>-<attempt>-<workerId>   a result too large to travel inline
 *     jobs/<executorId>/<jobNumber>/objects/<name>              users' cloud objects of this job
 *
 * Numbers are padded with zeros so that keys sort as numbers do. First status segments stand apart so that listing them
 * finds the workers of a job at a cost that does not grow with the number of segments.
 */
import type { JobRef } from '../contracts/calls.ts';
import type { InputPart } from './input-part.ts';

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

export const JOBS_PREFIX = 'jobs/';
export const FUNCTIONS_PREFIX = 'functions/';

export const artifactKey = (sha256: string): string => `${FUNCTIONS_PREFIX}${sha256}.mjs.gz`;
export const artifactManifestKey = (sha256: string): string => `${FUNCTIONS_PREFIX}${sha256}.json`;

export const executorPrefix = (executorId: string): string => `${JOBS_PREFIX}${executorId}/`;
export const jobPrefix = (job: JobRef): string => `${executorPrefix(job.executorId)}${pad(job.jobNumber, 6)}/`;
export const jobDescriptorKey = (job: JobRef): string => `${jobPrefix(job)}job`;
export const environmentKey = (job: JobRef): string => `${jobPrefix(job)}environment`;
export const inputsPrefix = (job: JobRef): string => `${jobPrefix(job)}inputs/`;
export const inputPartKey = (job: JobRef, part: InputPart): string =>
  `${inputsPrefix(job)}${pad(part.firstCall, 12)}-${part.calls}`;
export const inputsEndKey = (job: JobRef): string => `${jobPrefix(job)}inputs-end`;
export const statusPrefix = (job: JobRef): string => `${jobPrefix(job)}status/`;
/** Below it, one key for each worker that has published: its first segment. */
export const firstSegmentsPrefix = (job: JobRef): string => `${statusPrefix(job)}first/`;
/** Below it, all segments but the first ones, by worker and number. */
export const nextSegmentsPrefix = (job: JobRef): string => `${statusPrefix(job)}next/`;
export const statusSegmentKey = (job: JobRef, workerId: string, segment: number): string =>
  segment === 0
    ? `${firstSegmentsPrefix(job)}${workerId}`
    : `${nextSegmentsPrefix(job)}${workerId}/${pad(segment, 10)}`;
/** The worker and number that the key of a status segment names, or `undefined` for any other key. */
export function parseStatusSegmentKey(
  job: JobRef,
  key: string,
): { readonly workerId: string; readonly segment: number } | undefined {
  if (!key.startsWith(statusPrefix(job))) return undefined;
  const match = /^(?:first\/([^/]+)|next\/([^/]+)\/([0-9]{10,15}))$/.exec(key.slice(statusPrefix(job).length));
  if (match === null) return undefined;
  const [, first, next, number] = match;
  return first === undefined ? { workerId: next as string, segment: Number(number) } : { workerId: first, segment: 0 };
}
export const resultKey = (job: JobRef, callId: number, attempt: number, workerId: string): string =>
  `${jobPrefix(job)}results/${pad(callId, 12)}-${attempt}-${workerId}`;
export const jobObjectsPrefix = (job: JobRef): string => `${jobPrefix(job)}objects/`;

/** The part that a key below {@link inputsPrefix} names, or `undefined`. */
export function parseInputPartKey(key: string): InputPart | undefined {
  const match = /\/inputs\/([0-9]{12,})-([1-9][0-9]*)$/.exec(key);
  return match ? { firstCall: Number(match[1]), calls: Number(match[2]) } : undefined;
}

/** The job whose descriptor a key is, or `undefined`. */
export function parseJobDescriptorKey(key: string): JobRef | undefined {
  const match = /^jobs\/([a-z0-9]{12})\/([0-9]{6,})\/job$/.exec(key);
  return match ? { executorId: match[1] as string, jobNumber: Number(match[2]) } : undefined;
}
