import type { BackendDiagnosis, WorkerChange } from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import { WorkerRoster } from './worker-roster.ts';

function roster(): { roster: WorkerRoster; changes: string[]; diagnoses: BackendDiagnosis[] } {
  const changes: string[] = [];
  const diagnoses: BackendDiagnosis[] = [];
  const listener = {
    workerChanged: ({ workerId, change }: WorkerChange) => void changes.push(`${workerId} ${change}`),
    diagnosis: (diagnosis: BackendDiagnosis) => void diagnoses.push(diagnosis),
  };
  return { roster: new WorkerRoster(listener), changes, diagnoses };
}

const started = (workerId: string, nodeVersion: string = process.versions.node) =>
  ({ type: 'worker-started', workerId, slots: 2, runtime: { nodeVersion } }) as const;

describe('the roster of workers', () => {
  it('tells each change once, however often it hears of it', () => {
    const { roster: workers, changes, diagnoses } = roster();
    workers.started(started('a'));
    workers.started(started('a'));
    workers.gone({ workerId: 'a', change: 'lost' });
    workers.gone({ workerId: 'a', change: 'stopped' });
    expect(changes).toEqual(['a started', 'a lost']);
    expect(diagnoses).toEqual([]);
  });

  it('tells once that the runtime of its workers does not fit, and again when others do not', () => {
    const { roster: workers, diagnoses } = roster();
    for (const id of ['a', 'b', 'c']) workers.started(started(id, '8.0.0'));
    expect(diagnoses).toMatchObject([{ severity: 'warning', code: 'RUNTIME_MISMATCH' }]);
    workers.started(started('d', '9.0.0'));
    expect(diagnoses).toHaveLength(2);
  });
});
