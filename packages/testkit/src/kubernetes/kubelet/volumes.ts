/** A pod's volumes as folders of this machine. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Container, KeyToPath, Volume } from '../objects/pod.ts';
import { ContainerConfigError, fieldValue, readConfigMap, readSecret, type EnvironmentContext } from './environment.ts';
import type { Mounts } from './mount-paths.ts';

/** A volume cannot be set up yet; the pod waits for it with `FailedMount`. */
export class MountError extends Error {
  override readonly name = 'MountError';
}

export class PodVolumes {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes every volume, with what is in the secrets and config maps now. */
  async prepare(volumes: readonly Volume[], context: EnvironmentContext): Promise<void> {
    for (const volume of volumes) {
      try {
        const folder = this.#folderOf(volume.name);
        await mkdir(folder, { recursive: true });
        for (const { path, content, mode } of filesOf(volume, context)) {
          await mkdir(dirname(join(folder, path)), { recursive: true });
          // A file of an earlier try may be read-only.
          await rm(join(folder, path), { force: true });
          await writeFile(join(folder, path), content, { mode });
        }
      } catch (error) {
        if (!(error instanceof ContainerConfigError)) throw error;
        throw new MountError(`MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`, {
          cause: error,
        });
      }
    }
  }

  /** Where the volumes of a container really are, by the paths it mounts them at. */
  mountsOf(container: Container): Mounts {
    const mounts = (container.volumeMounts ?? []).map(({ name, mountPath, subPath = '' }) => [
      mountPath.replace(/(?<=.)\/+$/, ''),
      join(this.#folderOf(name), subPath),
    ]);
    return Object.fromEntries(mounts) as Mounts;
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #folderOf(volume: string): string {
    return join(this.#folder, 'volumes', volume);
  }
}

interface VolumeFile {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}

function filesOf(volume: Volume, context: EnvironmentContext): VolumeFile[] {
  const { secret, configMap, downwardAPI } = volume;
  if (secret !== undefined) {
    return select(readSecret(context, secret.secretName, secret.optional), secret.items, secret.defaultMode);
  }
  if (configMap !== undefined) {
    return select(readConfigMap(context, configMap.name, configMap.optional), configMap.items, configMap.defaultMode);
  }
  return (downwardAPI?.items ?? []).map(({ path, fieldRef }) => ({
    path,
    content: Buffer.from(fieldRef === undefined ? '' : fieldValue(context.pod, fieldRef.fieldPath)),
    mode: 0o644,
  }));
}

function select(data: Record<string, Buffer>, items: readonly KeyToPath[] | undefined, mode = 0o644): VolumeFile[] {
  if (items === undefined) return Object.entries(data).map(([path, content]) => ({ path, content, mode }));
  return items.map(({ key, path, mode: itemMode = mode }) => {
    const content = data[key];
    if (content === undefined) throw new ContainerConfigError(`references non-existent config key: ${key}`);
    return { path, content, mode: itemMode };
  });
}
