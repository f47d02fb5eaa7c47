import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphDifference } from '../../test/codec/graph-difference.ts';
import { sampleOfAllKinds } from '../../test/codec/sample-of-all-kinds.ts';
import { decodeValue, encodeValue } from './codec.ts';

/** A Node.js of another major version, first on the path without `node_modules`. */
const other = findOtherNode();

function findOtherNode(): { path: string; version: string } | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  for (const folder of folders) {
    const path = join(folder, 'node');
    try {
      const version = execFileSync(path, ['--version'], { encoding: 'utf8', stdio: 'pipe', env: {} }).trim();
      if (version.split('.')[0] !== process.version.split('.')[0]) return { path, version };
    } catch {
      // No node in this folder.
    }
  }
  return undefined;
}

describe.skipIf(other === undefined)(
  `between ${process.version} and ${other?.version ?? 'another Node.js, of which there is none on the PATH'}`,
  () => {
    let folder: string;
    const run = (mode: string, file: string): string =>
      execFileSync(other?.path ?? '', [join(folder, 'probe.mjs'), mode, file], { encoding: 'utf8', env: {} });

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'splitrock-codec-'));
      const entry = fileURLToPath(new URL('../../test/codec/version-probe.ts', import.meta.url));
      await build({
        entryPoints: [entry],
        bundle: true,
        platform: 'node',
        format: 'esm',
        outfile: join(folder, 'probe.mjs'),
      });
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it('reads there what was written here', () => {
      const file = join(folder, 'here');
      writeFileSync(file, encodeValue(sampleOfAllKinds()));
      expect(run('read', file)).toBe('same');
    });

    it('reads here what was written there', () => {
      const file = join(folder, 'there');
      run('write', file);
      expect(graphDifference(decodeValue(readFileSync(file)), sampleOfAllKinds())).toBeUndefined();
    });
  },
);
