/** `splitrock runtime` with a real builder. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildRuntime, inspectRuntime, listRuntimes, pushRuntime } from '@splitrock/runtime-image';
import { surroundings } from './src/surroundings.ts';

const { image, manifest } = surroundings;
/** A port that nobody listens on. */
const NOWHERE = '127.0.0.1:9';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splitrock-e2e-images-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(manifest === undefined)('worker images', () => {
  it('are listed, and tell what is in them', async () => {
    expect((await listRuntimes()).map((each) => each.image)).toContain(image);
    expect(await inspectRuntime(image)).toMatchObject({ image, architecture: manifest?.architecture, manifest });
    await expect(inspectRuntime('localhost/splitrock-none:1')).rejects.toMatchObject({
      code: 'RUNTIME_IMAGE_NOT_FOUND',
    });
  });

  it('have the same tag as long as they have the same content', async () => {
    const options = { image: 'localhost/splitrock-e2e', base: image, projectFolder: folder };
    const plugins = ['@splitrock/storage-local'];
    const first = await buildRuntime({ ...options, plugins });
    expect((await buildRuntime({ ...options, plugins })).image).toBe(first.image);
    expect((await buildRuntime({ ...options, plugins: ['@splitrock/storage-redis'] })).image).not.toBe(first.image);
  });

  it('are built on what a Containerfile of the user’s makes', async () => {
    await writeFile(join(folder, 'Containerfile'), `FROM ${image}\nENV EXTRA="from the user"\n`);
    const built = await buildRuntime({
      image: 'localhost/splitrock-e2e:on-containerfile',
      containerfile: 'Containerfile',
      plugins: ['@splitrock/storage-local'],
      projectFolder: folder,
    });
    const info = await inspectRuntime(built.image ?? '');
    expect(info.environment).toMatchObject({ EXTRA: 'from the user', NODE_ENV: 'production' });
    expect(info.manifest).toMatchObject({
      base: 'Containerfile',
      plugins: { '@splitrock/storage-local': expect.any(String) },
    });
  });

  it('say why they cannot be built or pushed', async () => {
    const base = `${NOWHERE}/team/node:24`;
    const built = buildRuntime({ base, image: 'localhost/splitrock-e2e:never', projectFolder: folder });
    await expect(built).rejects.toMatchObject({
      code: 'RUNTIME_BASE_UNAVAILABLE',
      message: expect.stringContaining(base),
    });

    await writeFile(join(folder, 'Broken'), 'FROM scratch\nCOPY nothing-there /\n');
    const broken = buildRuntime({
      containerfile: 'Broken',
      image: 'localhost/splitrock-e2e:never',
      projectFolder: folder,
    });
    await expect(broken).rejects.toMatchObject({
      code: 'RUNTIME_BUILD_FAILED',
      message: expect.stringContaining('nothing-there'),
    });

    const there = await buildRuntime({
      image: `${NOWHERE}/team/worker:1`,
      base: image,
      plugins: [],
      projectFolder: folder,
    });
    await expect(pushRuntime(there.image ?? '')).rejects.toMatchObject({ code: 'RUNTIME_PUSH_REFUSED' });
  });
});
