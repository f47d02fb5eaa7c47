import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isSplitrockError, silentLogger, systemClock } from '@splitrock/core/plugin';
import { LocalStorage, localStorageOptionsSchema } from '@splitrock/storage-local';

const run = promisify(execFile);
const program = fileURLToPath(new URL('storage-process.ts', import.meta.url));

let directory = '';
let storage: LocalStorage;
const open = (options: object = {}): LocalStorage =>
  new LocalStorage(localStorageOptionsSchema.parse({ directory, ...options }), {
    clock: systemClock,
    logger: silentLogger,
  });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'splitrock-local-'));
  storage = open();
});

afterEach(async () => {
  await storage.close();
  await rm(directory, { recursive: true });
});

const start = (...args: string[]): { child: ChildProcess; lines: AsyncIterator<string> } => {
  const child = spawn(process.execPath, ['--conditions=@splitrock/source', program, directory, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
};

const temporaryFiles = (): string[] => readdirSync(join(directory, 'v1', 'temporary'));

describe('processes that share a directory', () => {
  it('create each key exactly once when they race', async () => {
    const racers = Array.from({ length: 4 }, () => start('race', '200'));
    for (const { lines } of racers) expect((await lines.next()).value).toBe('ready');
    for (const { child } of racers) child.stdin?.write('go\n');
    let won = 0;
    for (const { lines } of racers) won += Number(/^won (\d+)$/.exec((await lines.next()).value as string)?.[1]);
    expect(won).toBe(200);
    const pids = new Set(racers.map(({ child }) => String(child.pid)));
    for (let number = 0; number < 200; number++) {
      expect(pids).toContain(new TextDecoder().decode(await storage.get(`race/${number}`)));
    }
    expect(temporaryFiles()).toEqual([]);
  });

  it('leave the old object when a writer is killed, and what it left is removed later', async () => {
    await storage.put('object', new TextEncoder().encode('old'));
    const { child, lines } = start('write-forever', 'object');
    expect((await lines.next()).value).toBe('writing');
    const [live] = temporaryFiles();
    expect(live).toContain(`-${child.pid}-`);
    const other = open();
    await other.put('beside', new Uint8Array(1));
    await other.close();
    expect(temporaryFiles()).toEqual([live]); // its writer lives: not touched
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(new TextDecoder().decode(await storage.get('object'))).toBe('old');
    expect(temporaryFiles()).toEqual([live]);
    const later = open();
    await later.put('beside', new Uint8Array(1));
    await later.close();
    expect(temporaryFiles()).toEqual([]);
  });
});

describe('resources', () => {
  it('are free after any outcome: no open files, no temporary files', async () => {
    const openFiles = (): number => readdirSync('/proc/self/fd').length;
    await storage.put('object', new Uint8Array(2_000_000));
    const before = openFiles();
    for (let round = 0; round < 50; round++) {
      for await (const chunk of storage.getStream('object')) if (chunk.length > 0) break;
      await storage.get('missing').catch(() => undefined);
      await storage.put('object', failing()).catch(() => undefined);
      for await (const { key } of storage.list('')) if (key !== '') break;
      await storage.put('object', new Uint8Array(1), { ifAbsent: true });
    }
    expect(openFiles()).toBeLessThanOrEqual(before + 2);
    expect(temporaryFiles()).toEqual([]);
  });

  it('suffice for more operations at once than files may be open', async () => {
    const keys = Array.from({ length: 3_000 }, (_, index) => `many/${index}`);
    await Promise.all(keys.map((key) => storage.put(key, new Uint8Array(1))));
    const objects = await Promise.all(keys.map((key) => storage.get(key)));
    expect(objects.every(({ length }) => length === 1)).toBe(true);
  });

  it('are kept clean: deletes remove the folders that they empty', async () => {
    await storage.put('a/b/c/object', new Uint8Array(1));
    await storage.put('a/other', new Uint8Array(1));
    await storage.delete('a/b/c/object');
    expect(readdirSync(join(directory, 'v1', 'objects', 'd-a'))).toEqual(['o-other']);
  });
});

describe('the option fileSystem', () => {
  it('network tells of changes that no event announces', async () => {
    const polling = open({ fileSystem: 'network', pollIntervalMs: 10 });
    let tell = (): void => {};
    const watch = await polling.watch('status/', () => tell());
    let told = 0;
    for (; told < 3; told++) await new Promise<void>((resolve) => (tell = resolve));
    expect(told).toBe(3);
    await watch.close();
    await polling.close();
  });
});

describe('the option fileSystem: network', () => {
  it('changes nothing else that can be seen', async () => {
    const patient = open({ fileSystem: 'network' });
    const large = new Uint8Array(300_000).fill(3);
    await patient.put('a/small', new Uint8Array([1, 2, 3]));
    await patient.put('a/large', large);
    expect([...(await patient.get('a/small', { range: { offset: 1 } }))]).toEqual([2, 3]);
    expect(Buffer.compare(await patient.get('a/large'), large)).toBe(0);
    expect(await patient.head('a/small')).toMatchObject({ size: 3 });
    const listed: string[] = [];
    for await (const { key } of patient.list('a/')) listed.push(key);
    expect(listed).toEqual(['a/large', 'a/small']);
    await expect(patient.get('a/missing')).rejects.toMatchObject({ code: 'STORAGE_OBJECT_NOT_FOUND' });
    expect(await patient.head('a/missing')).toBeUndefined();
    await patient.close();
  });
});

describe('the option durable', () => {
  it('changes nothing that can be seen', async () => {
    const durable = open({ durable: true });
    expect(await durable.put('a/b', new Uint8Array([1]))).toEqual({ created: true });
    expect(await durable.put('a/b', new Uint8Array([2]), { ifAbsent: true })).toEqual({ created: false });
    expect([...(await durable.get('a/b'))]).toEqual([1]);
    await durable.close();
  });
});

describe('a directory that is a file', () => {
  it('is an error that says so', async () => {
    await storage.put('x', new Uint8Array(1));
    const broken = open({ directory: join(directory, 'v1', 'objects', 'o-x') });
    const error = await broken.put('key', new Uint8Array(1)).catch((reason: unknown) => reason);
    expect(isSplitrockError(error, 'STORAGE_UNAVAILABLE')).toBe(true);
    expect((error as Error).message).toContain('ENOTDIR');
    await broken.close();
  });
});

const canMount = await (async () => {
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-mount-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
    await run('umount', [folder]);
    return true;
  } catch {
    return false; // not root, or not Linux
  } finally {
    await rm(folder, { recursive: true });
  }
})();

describe.skipIf(!canMount)('a file system of its own (needs the right to mount)', () => {
  let folder = '';
  let small: LocalStorage;

  beforeEach(async () => {
    folder = join(directory, 'mount');
    await mkdir(folder);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
    small = open({ directory: folder });
  });

  afterEach(async () => {
    await small.close();
    await run('umount', [folder]);
  });

  it('that is full refuses puts with STORAGE_NO_SPACE, tears no object, and recovers', async () => {
    const old = new Uint8Array(500_000).fill(1);
    await small.put('object', old);
    for (const body of [() => new Uint8Array(600_000).fill(2), () => stream(600_000)]) {
      for (const key of ['object', 'new']) {
        const error = await small.put(key, body()).catch((reason: unknown) => reason);
        expect(isSplitrockError(error, 'STORAGE_NO_SPACE'), String(error)).toBe(true);
      }
    }
    expect(Buffer.compare(await small.get('object'), old)).toBe(0);
    expect(await small.head('new')).toBeUndefined();
    expect(readdirSync(join(folder, 'v1', 'temporary'))).toEqual([]);
    await small.delete('object');
    expect(await small.put('new', new Uint8Array(600_000))).toEqual({ created: true });
  });

  it('that is read-only refuses writes with STORAGE_ACCESS_DENIED and still reads', async () => {
    await small.put('object', new Uint8Array([7]));
    await run('mount', ['-o', 'remount,ro', folder]);
    const attempts = [
      small.put('object', new Uint8Array(1)),
      small.put('new', new Uint8Array(1), { ifAbsent: true }),
      small.delete('object'),
      small.deleteMany(['object']),
    ];
    for (const error of await Promise.all(attempts.map((attempt) => attempt.catch((reason: unknown) => reason)))) {
      expect(isSplitrockError(error, 'STORAGE_ACCESS_DENIED'), String(error)).toBe(true);
      expect((error as Error).message).toContain('EROFS');
    }
    expect([...(await small.get('object'))]).toEqual([7]);
  });

  it('that is read-only says so, too, where nothing was ever stored', async () => {
    await run('mount', ['-o', 'remount,ro', folder]);
    const fresh = open({ directory: join(folder, 'not', 'there', 'yet') });
    const error = await fresh.put('a/b', new Uint8Array(1)).catch((reason: unknown) => reason);
    expect(isSplitrockError(error, 'STORAGE_ACCESS_DENIED'), String(error)).toBe(true);
    expect((error as Error).message).toContain('error=EROFS]; the file system is read-only');
    await fresh.close();
  });
});

describe('what is on the disk', () => {
  it('is the object as it is, under the documented name', async () => {
    await storage.put('jobs/a/Result', new TextEncoder().encode('plain'));
    expect(await readFile(join(directory, 'v1', 'objects', 'd-jobs', 'd-a', 'o-%52esult'), 'utf8')).toBe('plain');
  });
});

async function* failing(): AsyncGenerator<Uint8Array, void, void> {
  yield new Uint8Array(10);
  throw new Error('the source broke');
}

async function* stream(bytes: number): AsyncGenerator<Uint8Array, void, void> {
  for (let sent = 0; sent < bytes; sent += 10_000) yield new Uint8Array(10_000);
}
