import { describe, expect, it } from 'vitest';
import { runChecks, type CheckResult } from './check.ts';
import { judgeNode, judgeSpace } from './machine-checks.ts';
import { checkStorage } from './service-checks.ts';
import type { Storage } from '@splitrock/core/plugin';

describe('runChecks', () => {
  it('tells each result as it comes, and skips what needs something that failed', async () => {
    const told: CheckResult[] = [];
    const results = await runChecks(
      [
        { name: 'a', run: async () => ({ message: 'fine' }) },
        {
          name: 'b',
          remedy: 'mend it',
          run: () => Promise.reject(Object.assign(new Error('broken'), { code: 'B_BROKEN' })),
        },
        { name: 'c', needs: ['a', 'b'], run: () => Promise.reject(new Error('never run')) },
        { name: 'd', needs: ['c'], run: () => Promise.reject(new Error('never run')) },
        { name: 'e', needs: ['a'], run: async () => ({ status: 'warn', message: 'hm', remedy: 'look' }) },
      ],
      (result) => told.push(result),
    );
    expect(told).toEqual(results);
    expect(results.map(({ tookMs: _tookMs, ...result }) => result)).toEqual([
      { name: 'a', status: 'ok', message: 'fine' },
      { name: 'b', status: 'fail', message: 'B_BROKEN: broken', remedy: 'mend it' },
      { name: 'c', status: 'skip', message: 'not tried, because b failed' },
      { name: 'd', status: 'skip', message: 'not tried, because c failed' },
      { name: 'e', status: 'warn', message: 'hm', remedy: 'look' },
    ]);
  });
});

describe('judging the machine', () => {
  it.each([
    ['18.20.0', 'fail'],
    ['20.18.9', 'fail'],
    ['20.19.0', undefined],
    ['23.1.0', 'warn'],
    ['24.21.0', undefined],
  ])('Node %s', (version, status) => {
    expect(judgeNode(version).status).toBe(status);
  });

  it('warns of low space, wherever it is', () => {
    expect(judgeSpace([{ folder: '/a', bytes: 2 ** 31 }])).toEqual({ message: '2.0 GiB free in /a' });
    expect(
      judgeSpace([
        { folder: '/a', bytes: 2 ** 31 },
        { folder: '/b', bytes: 2 ** 20 },
      ]),
    ).toEqual({
      status: 'warn',
      message: '2.0 GiB free in /a, 1.0 MiB free in /b',
      remedy: 'free some space; `splitrock clean` removes what jobs left behind',
    });
  });
});

describe('checkStorage', () => {
  /** A storage with one thing wrong. */
  const faulty = (fault: Partial<Storage>): Storage => {
    const objects = new Map<string, Uint8Array>();
    const sound = {
      name: 'faulty',
      put: async (key: string, body: Uint8Array) => objects.set(key, body),
      get: async (key: string, options: { range?: { offset: number; length?: number } } = {}) => {
        const { offset = 0, length = Infinity } = options.range ?? {};
        return objects.get(key)?.subarray(offset, offset + length);
      },
      head: async (key: string) => (objects.has(key) ? { key } : undefined),
      delete: async (key: string) => void objects.delete(key),
      async *list(prefix: string) {
        for (const key of objects.keys()) if (key.startsWith(prefix)) yield { key };
      },
    };
    return { ...sound, ...fault } as unknown as Storage;
  };
  const { signal } = new AbortController();

  it('finds nothing wrong with a sound one', async () => {
    expect(await checkStorage(faulty({}), signal)).toEqual({
      message: 'faulty: wrote, read, listed and removed an object',
    });
  });

  it.each<[string, Partial<Storage>, string]>([
    [
      'damages bytes',
      { get: async () => new Uint8Array(4_096) },
      'an object came back with other bytes than were written',
    ],
    ['lists late', { list: async function* () {} }, 'the listing after a write is [] and not [doctor/'],
    ['keeps what was removed', { delete: async () => {} }, 'an object is still there after it was removed'],
    ['refuses writes', { put: () => Promise.reject(new Error('read-only')) }, 'read-only'],
  ])('finds out one that %s', async (_case, fault, message) => {
    await expect(checkStorage(faulty(fault), signal)).rejects.toThrow(message);
  });
});
