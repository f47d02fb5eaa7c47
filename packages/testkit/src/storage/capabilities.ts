import { describe, expect, it } from 'vitest';
import {
  isExpiringStorage,
  isPresigningStorage,
  isWatchableStorage,
  type ExpiringStorage,
  type PresigningStorage,
  type Storage,
} from '@splitrock/core/plugin';
import { asText, eventually, listKeys, rejectionOf, sameBytes, patternBytes, text } from './bytes.ts';
import type { SuiteContext } from './subject.ts';

/** Long enough for what is put after the call to be put before its end. */
const EXPIRY_MS = 3_000;

export function capabilityTests(suite: SuiteContext): void {
  const { capabilities, patienceMs } = suite.options;

  it('has the capabilities that its tests declare, no more and no less', () => {
    expect({
      watch: isWatchableStorage(suite.storage),
      presign: isPresigningStorage(suite.storage),
      expire: isExpiringStorage(suite.storage),
    }).toEqual({ watch: capabilities.watch, presign: capabilities.presign, expire: capabilities.expire !== false });
  });

  describe.runIf(capabilities.presign)('presign', () => {
    const presigning = (): Storage & PresigningStorage => suite.storage as Storage & PresigningStorage;

    it.each(['plain', 'with space', 'a/b+c%2f', '日本語', "q?x=1&y#'()*!"])(
      'lets a holder read the object %j',
      async (name) => {
        const key = suite.freshPrefix() + name;
        const bytes = patternBytes(1_000);
        await suite.storage.put(key, bytes);
        const url = await presigning().presign(key, { method: 'GET', expiresInMs: 60_000 });
        const response = await fetch(url);
        expect(response.status).toBe(200);
        expect(sameBytes(new Uint8Array(await response.arrayBuffer()), bytes)).toBe(true);
      },
    );

    it('lets a holder write the object, and nothing else', async () => {
      const key = `${suite.freshPrefix()}written by a stranger`;
      const url = await presigning().presign(key, { method: 'PUT', expiresInMs: 60_000 });
      const put = await fetch(url, { method: 'PUT', body: 'hello' });
      expect(put.ok).toBe(true);
      await put.arrayBuffer();
      expect(asText(await suite.storage.get(key))).toBe('hello');
      const other = await fetch(url, { method: 'DELETE' });
      await other.arrayBuffer();
      expect(other.ok).toBe(false);
      expect(asText(await suite.storage.get(key))).toBe('hello');
    });

    it('stops working after its time', async () => {
      const key = `${suite.freshPrefix()}brief`;
      await suite.storage.put(key, text('x'));
      const url = await presigning().presign(key, { method: 'GET', expiresInMs: 1_000 });
      const refused = await eventually('the link to expire', patienceMs, async () => {
        const response = await fetch(url);
        await response.arrayBuffer();
        return response.ok ? undefined : response.status;
      });
      expect(refused).toBeGreaterThanOrEqual(400);
    });

    it('heeds its signal', async () => {
      const reason = new Error('no link');
      const options = { method: 'GET', expiresInMs: 1_000, signal: AbortSignal.abort(reason) } as const;
      expect(await rejectionOf(presigning().presign('x', options))).toBe(reason);
    });
  });

  describe.runIf(capabilities.expire !== false)('expire', () => {
    const expiring = (): Storage & ExpiringStorage => suite.storage as Storage & ExpiringStorage;

    it('accepts a prefix and a time', async () => {
      const prefix = suite.freshPrefix();
      await suite.storage.put(`${prefix}a`, text('x'));
      await expiring().expire(prefix, 10 * 24 * 3_600_000);
      expect(await listKeys(suite.storage.list(prefix))).toEqual([`${prefix}a`]);
    });

    it('heeds its signal', async () => {
      const reason = new Error('keep it');
      expect(await rejectionOf(expiring().expire('x/', 1, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    });

    it.runIf(capabilities.expire === 'prompt')(
      'removes what is there and what comes later, and nothing else',
      async () => {
        const prefix = suite.freshPrefix();
        const beside = suite.freshPrefix();
        await suite.storage.put(`${prefix}before`, text('x'));
        await suite.storage.put(`${beside}kept`, text('x'));
        const called = performance.now();
        await expiring().expire(prefix, EXPIRY_MS);
        await suite.storage.put(`${prefix}sub/after`, patternBytes(suite.options.largeObjectBytes));
        await eventually('the objects to expire', patienceMs, async () => {
          const keys = await listKeys(suite.storage.list(prefix));
          return keys.length === 0 ? true : undefined;
        });
        expect(performance.now() - called).toBeGreaterThanOrEqual(EXPIRY_MS - 10);
        expect(await suite.storage.head(`${prefix}before`)).toBeUndefined();
        expect(await suite.storage.head(`${prefix}sub/after`)).toBeUndefined();
        expect(await suite.storage.put(`${prefix}before`, text('y'), { ifAbsent: true })).toEqual({ created: true });
        expect(await listKeys(suite.storage.list(beside))).toEqual([`${beside}kept`]);
      },
    );
  });
}
