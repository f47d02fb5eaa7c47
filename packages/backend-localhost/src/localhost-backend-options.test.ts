import { availableParallelism } from 'node:os';
import { AMBIENT_SYMBOL, setAmbientWorker } from '@splitrock/core/plugin';
import { afterEach, describe, expect, it } from 'vitest';
import { localhostBackendOptionsSchema } from './localhost-backend-options.ts';

describe('options of the localhost backend', () => {
  afterEach(() => {
    Reflect.deleteProperty(globalThis, AMBIENT_SYMBOL);
  });

  it('have defaults for everything', () => {
    expect(localhostBackendOptionsSchema.parse({})).toEqual({
      workerProcesses: availableParallelism(),
      callsPerProcess: 1,
      slotKind: 'process',
      nodeOptions: [],
      startTimeoutMs: 30_000,
      workerLogLevel: 'warn',
    });
  });

  it('start one process for an executor made inside a call, where the machine is shared already', () => {
    const ref = { module: 'm', name: 'n', options: {} };
    const plugins = { backend: ref, storage: ref, monitoring: ref };
    setAmbientWorker({ version: 1, workerId: 'w', tenant: 't', plugins, jobId: 'abcdefghijkl-1', nestingDepth: 1 });
    expect(localhostBackendOptionsSchema.parse({}).workerProcesses).toBe(1);
    expect(localhostBackendOptionsSchema.parse({ workerProcesses: 3 }).workerProcesses).toBe(3);
  });

  it.each([
    { options: { workerProcesses: 0 }, path: ['workerProcesses'] },
    { options: { callsPerProcess: 1.5 }, path: ['callsPerProcess'] },
    { options: { slotKind: 'pod' }, path: ['slotKind'] },
    { options: { nodeOptions: ['server.js'] }, path: ['nodeOptions', 0] },
    { options: { startTimeoutMs: 10 }, path: ['startTimeoutMs'] },
    { options: { workers: 3 }, path: [] },
  ])('refuse $options', ({ options, path }) => {
    expect(localhostBackendOptionsSchema.safeParse(options).error?.issues[0]?.path).toEqual(path);
  });
});
