import { describe, expect, it } from 'vitest';
import { callsPerMessage } from './range-size.ts';

describe('callsPerMessage', () => {
  it.each([
    ['fewer calls than slots', { calls: 225, slots: 256, chunkSize: null }, 1],
    ['some calls for each slot', { calls: 10_000, slots: 256, chunkSize: null }, 9],
    ['very many calls', { calls: 1_000_000, slots: 2, chunkSize: null }, 128],
    ['a chunk size that was asked for', { calls: 1_000_000, slots: 2, chunkSize: 1 }, 1],
    ['no worker yet', { calls: 10, slots: 0, chunkSize: null }, 2],
  ])('of %s', (_name, facts, expected) => {
    expect(callsPerMessage(facts)).toBe(expected);
  });
});
