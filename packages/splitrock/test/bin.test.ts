import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const BIN = fileURLToPath(new URL('../bin/splitrock.js', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'splitrock-bin-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the command of this package', { timeout: 60_000 }, () => {
  it.each(['local', 'memory'])('brings the storage %s where nothing is installed', (storage) => {
    const args = [BIN, 'config', 'show', '--json', '--storage', storage];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: folder,
      env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: '' },
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const entries = JSON.parse(stdout) as readonly { readonly path: string; readonly value: unknown }[];
    expect(entries).toContainEqual({ path: 'storage', value: storage });
    expect(entries.some(({ path }) => path.startsWith('backends.localhost.'))).toBe(true);
  });
});
