import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliSandbox } from './cli-sandbox.ts';

let sandbox: CliSandbox;
beforeEach(() => {
  sandbox = new CliSandbox();
});
afterEach(() => sandbox.dispose());

const ok = async (args: readonly string[], input?: string | Uint8Array): Promise<string> => {
  const { exitCode, stdout, stderr } = await sandbox.run(['storage', ...args], input === undefined ? {} : { input });
  expect({ exitCode, stderr: stderr.replace(/^\d+ objects?, .*\n$/, '') }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
};
const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 251);

describe('storage', { timeout: 60_000 }, () => {
  it('brings a file there and back', async () => {
    sandbox.write('cat.bin', bytes);
    expect(await ok(['put', 'cat.bin', 'images/'])).toBe('put images/cat.bin (68 KiB)\n');
    expect(await ok(['get', 'images/cat.bin', 'back/'])).toBe(
      `got images/cat.bin as ${join(sandbox.cwd, 'back/cat.bin')} (68 KiB)\n`,
    );
    expect(readFileSync(join(sandbox.cwd, 'back/cat.bin')).equals(bytes)).toBe(true);
    expect(JSON.parse(await ok(['stat', 'images/cat.bin', '--json']))).toMatchObject({
      key: 'images/cat.bin',
      size: 70_000,
    });
  });

  it('brings a folder there and back', async () => {
    sandbox.write('data/a.txt', 'a');
    sandbox.write('data/deep/b.txt', 'bb');
    expect(await ok(['put', 'data', 'in/'])).toBe('put in/a.txt (1 B)\nput in/deep/b.txt (2 B)\n');
    await ok(['get', 'in/', 'out']);
    expect(readFileSync(join(sandbox.cwd, 'out/deep/b.txt'), 'utf8')).toBe('bb');
    const listed = JSON.parse(await ok(['list', 'in/', '--json'])) as readonly { key: string }[];
    expect(listed.map(({ key }) => key)).toEqual(['in/a.txt', 'in/deep/b.txt']);
  });

  it('moves many files at once, and lists them in order', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `f${String(index).padStart(2, '0')}`);
    for (const name of names) sandbox.write(`many/${name}`, name.repeat(1_000));
    expect(await ok(['put', 'many', 'm/'])).toBe(names.map((name) => `put m/${name} (2.9 KiB)\n`).join(''));
    await ok(['get', 'm/', 'back']);
    for (const name of names) expect(readFileSync(join(sandbox.cwd, 'back', name), 'utf8')).toBe(name.repeat(1_000));
  });

  it('joins pipes', async () => {
    expect(await ok(['put', '-', 'now.txt'], 'tick')).toBe('put now.txt (4 B)\n');
    expect(await ok(['get', 'now.txt', '-'])).toBe('tick');
  });

  it('deletes by key and by prefix, and says first what it would', async () => {
    for (const key of ['a/1', 'a/2', 'b']) await ok(['put', '-', key], key);
    expect(await ok(['delete', '--prefix', 'a/', '--dry-run'])).toBe('would delete a/1\nwould delete a/2\n');
    expect(await ok(['delete', '--prefix', 'a/'])).toBe('deleted a/1\ndeleted a/2\n');
    expect(await ok(['delete', 'b', 'never-was'])).toBe('deleted b\ndeleted never-was\n');
    expect(await ok(['list'])).toBe('');
    expect(await ok(['delete', '--prefix', 'a/'])).toBe('nothing to delete\n');
  });

  it.each([
    [
      ['stat', 'nope'],
      'error STORAGE_OBJECT_NOT_FOUND: No object has the key nope; `splitrock storage list` lists those there are.\n',
    ],
    [
      ['get', 'nope'],
      'error STORAGE_OBJECT_NOT_FOUND: No object has the key nope; `splitrock storage list` lists those there are.\n',
    ],
    [['get', 'nope/'], 'error STORAGE_OBJECT_NOT_FOUND: No object’s key begins with nope/.\n'],
  ])('says what is not there: %j', async (args, stderr) => {
    expect(await sandbox.run(['storage', ...args])).toEqual({ exitCode: 1, stdout: '', stderr });
  });

  it('refuses to write outside of the target folder', async () => {
    await ok(['put', '-', 'evil/../../out.txt'], 'x');
    expect(await sandbox.run(['storage', 'get', 'evil/', 'safe'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `error USAGE: The key "evil/../../out.txt" would be written outside of ${join(sandbox.cwd, 'safe')}; get it by itself.\n`,
    });
    expect(existsSync(join(sandbox.cwd, 'out.txt'))).toBe(false);
  });

  it('leaves no part of a file behind when an object is missing', async () => {
    const { exitCode } = await sandbox.run(['storage', 'get', 'missing', 'target.txt']);
    expect(exitCode).toBe(1);
    expect(existsSync(join(sandbox.cwd, 'target.txt'))).toBe(false);
  });
});
