import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../api-error.ts';
import type { Job } from '../objects/cluster.ts';
import { defaultPodSpec } from './pod-defaults.ts';
import { checkLabels, invalidValue, required } from './field-checks.ts';
import { validatePodSpec } from './validate-pod.ts';

/** The label by which a job knows its pods, beside the older one of the same value. */
const JOB_UID_LABEL = 'batch.kubernetes.io/controller-uid';
const JOB_NAME_LABEL = 'batch.kubernetes.io/job-name';

/** Fills in what a job's author left out. */
export function defaultJob(job: Job): void {
  const { spec } = job;
  job.status = {};
  job.metadata.generation = 1;
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= 6;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= 'TerminatingOrFailed';
  if (spec.template?.spec === undefined) return;
  defaultPodSpec(spec.template.spec);
  selectOwnPods(job);
}

/** Every job selects the pods that carry its uid, so that no two jobs ever count each other's. */
function selectOwnPods(job: Job): void {
  if (job.spec.manualSelector === true) return;
  const { uid, name } = job.metadata;
  const template = job.spec.template;
  template.metadata ??= {};
  template.metadata.labels = {
    ...template.metadata.labels,
    [JOB_UID_LABEL]: uid,
    [JOB_NAME_LABEL]: name,
    'controller-uid': uid,
    'job-name': name,
  };
  job.spec.selector = { matchLabels: { [JOB_UID_LABEL]: uid } };
}

export function validateJob({ spec }: Job): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const field of ['parallelism', 'completions', 'backoffLimit', 'ttlSecondsAfterFinished'] as const) {
    const value = spec[field];
    if (value !== undefined && value < 0)
      causes.push(invalidValue(`spec.${field}`, value, 'must be greater than or equal to 0'));
  }
  const pod = spec.template?.spec;
  if (pod === undefined) return [...causes, required('spec.template.spec.containers')];
  causes.push(...checkLabels('spec.template.metadata.labels', spec.template.metadata?.labels));
  causes.push(...validatePodSpec(pod, 'spec.template.spec'));
  if (pod.restartPolicy === 'Always') {
    causes.push(required('spec.template.spec.restartPolicy', 'valid values: "OnFailure", "Never"'));
  }
  if (spec.completionMode === 'Indexed' && spec.completions === undefined) {
    causes.push(required('spec.completions', 'when completion mode is Indexed'));
  }
  return causes;
}

export function validateJobUpdate(job: Job, previous: Job): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const field of ['completions', 'selector', 'template', 'completionMode'] as const) {
    if (isDeepStrictEqual(job.spec[field], previous.spec[field])) continue;
    causes.push(invalidValue(`spec.${field}`, job.spec[field], 'field is immutable'));
  }
  return causes;
}
