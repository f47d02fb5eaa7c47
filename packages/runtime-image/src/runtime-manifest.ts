/**
 * What an image says about itself, in a label for those who look at images and in a file for its workers. Its schema is
 * part of the protocol between versions: members are added, never changed.
 */
import { z } from 'zod';

/** As image registries name them. */
export const ARCHITECTURES = ['amd64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

const versions = z.record(z.string(), z.string());

export const runtimeManifestSchema = z.object({
  format: z.literal(1),
  /** The version of the worker runtime in the image. */
  splitrockVersion: z.string(),
  architecture: z.enum(ARCHITECTURES),
  /** The image that it was built on, `scratch`, or a Containerfile's name. */
  base: z.string(),
  /** Node's version without the `v`; absent where the base does not tell it before it runs. */
  nodeVersion: z.string().optional(),
  /** Plugins that workers can load, package name to version. */
  plugins: versions,
  /** Packages that functions may leave external, name to version. */
  packages: versions,
});
export type RuntimeManifest = z.infer<typeof runtimeManifestSchema>;

/** Marks images made here; its value is the manifest's format. */
export const RUNTIME_LABEL = 'dev.splitrock.runtime';
export const MANIFEST_LABEL = 'dev.splitrock.manifest';

export const labelsOf = (manifest: RuntimeManifest): Readonly<Record<string, string>> => ({
  [RUNTIME_LABEL]: String(manifest.format),
  [MANIFEST_LABEL]: JSON.stringify(manifest),
  'org.opencontainers.image.title': 'Splitrock worker',
  'org.opencontainers.image.version': manifest.splitrockVersion,
});

/** The manifest in an image's labels; `undefined` for images of others. */
export function manifestFrom(labels: Readonly<Record<string, string>>): RuntimeManifest | undefined {
  const text = labels[MANIFEST_LABEL];
  if (text === undefined) return undefined;
  try {
    return runtimeManifestSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** What this process would be in an image. */
export const localArchitecture = (): string => (process.arch === 'x64' ? 'amd64' : process.arch);

/** As Node and npm name it. */
export const npmCpuOf = (architecture: Architecture): string => (architecture === 'amd64' ? 'x64' : architecture);
