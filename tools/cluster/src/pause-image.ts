/** The image of the pods' sandboxes, made here since none can be pulled: it reaps orphans and does nothing else. */
import { copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './commands.ts';
import { pauseArchive } from './place.ts';

export const PAUSE_IMAGE = 'localhost/splitrock-pause:1';

/** busybox’s shell waits for every child that it is given, also those of a pod whose containers share their processes. */
const CONTAINERFILE = `FROM scratch
COPY busybox /bin/busybox
ENTRYPOINT ["/bin/busybox", "sh", "-c", "trap 'exit 0' TERM; while :; do /bin/busybox sleep 1000000 & wait; done"]
`;
/** Needs neither a kernel module nor privileges beyond root's. */
const STORAGE = ['--storage-driver', 'vfs'];

export async function buildPauseImage(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-pause-'));
  try {
    await copyFile('/bin/busybox', join(folder, 'busybox'));
    await writeFile(join(folder, 'Containerfile'), CONTAINERFILE);
    const places = ['--root', join(folder, 'images'), '--runroot', join(folder, 'run'), ...STORAGE];
    await run('buildah', [...places, 'bud', '--isolation', 'chroot', '-q', '-t', PAUSE_IMAGE, folder]);
    const archive = join(folder, 'pause.tar');
    await run('buildah', [...places, 'push', '-q', PAUSE_IMAGE, `oci-archive:${archive}:${PAUSE_IMAGE}`]);
    await run('cp', [archive, `${pauseArchive}.new`]);
    await rename(`${pauseArchive}.new`, pauseArchive);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
