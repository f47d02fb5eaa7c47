/** Reads what builders tell of an image. */
import { z } from 'zod';
import { manifestFrom, type RuntimeManifest } from '../runtime-manifest.ts';

export interface ImageInfo {
  readonly image: string;
  /** As the builder names it: a digest of the image's configuration. */
  readonly id: string;
  readonly createdAt: string;
  readonly architecture: string;
  /** Absent where the builder does not tell. */
  readonly bytes?: number;
  /** Absent for images that were not made here. */
  readonly manifest?: RuntimeManifest;
  /** Environment variables that are set in it. */
  readonly environment: Readonly<Record<string, string>>;
}

const config = z.object({
  Labels: z.record(z.string(), z.string()).nullish(),
  Env: z.array(z.string()).nullish(),
});

/** docker and podman. */
const inspected = z.array(
  z.object({
    Id: z.string(),
    Created: z.string(),
    Architecture: z.string(),
    Size: z.number().optional(),
    Config: config,
  }),
);

/** buildah. */
const buildahInspected = z.object({
  FromImageID: z.string(),
  OCIv1: z.object({ created: z.string(), architecture: z.string(), config }),
});

/** @param text - what `inspect` printed */
export function readImageInfo(image: string, text: string): ImageInfo {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) {
    const { FromImageID: id, OCIv1 } = buildahInspected.parse(value);
    return { image, id, createdAt: OCIv1.created, architecture: OCIv1.architecture, ...fromConfig(OCIv1.config) };
  }
  const [found] = inspected.parse(value);
  if (found === undefined) throw new Error(`nothing was said about ${image}`);
  const { Id: id, Created: createdAt, Architecture: architecture, Size: bytes, Config } = found;
  return { image, id, createdAt, architecture, ...(bytes === undefined ? {} : { bytes }), ...fromConfig(Config) };
}

function fromConfig({ Labels, Env }: z.infer<typeof config>): Pick<ImageInfo, 'manifest' | 'environment'> {
  const manifest = manifestFrom(Labels ?? {});
  const environment = Object.fromEntries((Env ?? []).map((entry) => splitAt(entry, entry.indexOf('='))));
  return { ...(manifest === undefined ? {} : { manifest }), environment };
}

const splitAt = (text: string, index: number): [string, string] => [text.slice(0, index), text.slice(index + 1)];
