import { describe, expect, it } from 'vitest';
import { closest } from './suggest.ts';

describe('closest', () => {
  it.each([
    ['a letter is missing', 'workerProceses', ['workerProcesses', 'callsPerProcess'], 'workerProcesses'],
    ['a letter is too many', 'backendd', ['backend', 'backends'], 'backend'],
    ['two neighbours are swapped', 'localhots', ['localhost', 'k8s'], 'localhost'],
    ['the case differs', 'memorymib', ['memoryMiB', 'memory'], 'memoryMiB'],
    ['a dash is missing', 'k8srabbitmq', ['k8s', 'k8s-rabbitmq'], 'k8s-rabbitmq'],
    ['a short name has one wrong letter', 's2', ['s3', 'redis'], 's3'],
    ['nothing is near', 'bucket', ['region', 'endpoint'], undefined],
    ['there is nothing to choose from', 'bucket', [], undefined],
    ['only the name itself is there', 'bucket', ['bucket'], undefined],
    ['the nearest of several wins', 'retris', ['retires', 'retries', 'metrics'], 'retries'],
  ])('when %s: %s', (_case, name, candidates, expected) => {
    expect(closest(name, candidates)).toBe(expected);
  });
});
