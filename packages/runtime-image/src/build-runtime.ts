/** Builds a worker image. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '@splitrock/core/plugin';
import { runtimeBuildOptionsSchema, type RuntimeBuildInput, type RuntimeBuildOptions } from './build-options.ts';
import { writeContext, type WrittenContext } from './context/write-context.ts';
import { namedBase, prepareBase } from './image/base-image.ts';
import { findBuilder, type Builder } from './image/builder.ts';
import { lastLines, type RunProgramOptions } from './run-program.ts';
import { RuntimeImageError } from './runtime-image-error.ts';
import { ARCHITECTURES, localArchitecture, type Architecture, type RuntimeManifest } from './runtime-manifest.ts';

export interface BuiltRuntime {
  /** With its tag; use it in the backend's configuration. Absent when only a context was written. */
  readonly image?: string;
  readonly manifest: RuntimeManifest;
  /** Absolute paths of what was written besides. */
  readonly archive?: string;
  readonly context?: string;
}

/**
 * @throws ConfigError `CONFIG_INVALID`, `CONFIG_UNREADABLE`; PluginError `PLUGIN_NOT_FOUND`; RuntimeImageError
 * `RUNTIME_NO_BUILDER`, `RUNTIME_BASE_UNAVAILABLE`, `RUNTIME_BUILD_FAILED`
 */
export async function buildRuntime(input: RuntimeBuildInput, progress: RunProgramOptions = {}): Promise<BuiltRuntime> {
  const options = parse(input);
  const architecture = options.architecture ?? ownArchitecture();
  if (options.context !== undefined) {
    const context = resolve(options.projectFolder, options.context);
    await mkdir(context, { recursive: true });
    const { manifest } = await writeContext(
      { options, architecture, base: namedBase(options), folder: context },
      progress,
    );
    return { manifest, context };
  }
  const builder = await findBuilder(options.builder, progress);
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-image-'));
  try {
    const base = await prepareBase(options, architecture, builder);
    const context = await writeContext({ options, architecture, base, folder }, progress);
    const image = tagged(options.image, context);
    await buildImage(builder, { folder, image, architecture });
    const archive = options.output === undefined ? undefined : resolve(options.projectFolder, options.output);
    if (archive !== undefined) await writeArchive(builder, image, archive);
    return { image, manifest: context.manifest, ...(archive === undefined ? {} : { archive }) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function parse(input: RuntimeBuildInput): RuntimeBuildOptions {
  const parsed = runtimeBuildOptionsSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new ConfigError('CONFIG_INVALID', `The image cannot be built so:\n${problems.join('\n')}`);
}

function ownArchitecture(): Architecture {
  const own = localArchitecture();
  const known = ARCHITECTURES.find((architecture) => architecture === own);
  if (known !== undefined) return known;
  throw new ConfigError(
    'CONFIG_INVALID',
    `Images for ${own} are not known; give the cluster's architecture: ${ARCHITECTURES.join(' or ')}.`,
  );
}

/** A tag that changes with the content: nodes keep an image that they have, and must not take an old one for a new. */
function tagged(image: string, { manifest, digest }: WrittenContext): string {
  const hasTag = image.lastIndexOf(':') > image.lastIndexOf('/');
  return hasTag ? image : `${image}:${manifest.splitrockVersion}-${digest.slice(0, 10)}`;
}

async function buildImage(
  builder: Builder,
  {
    folder,
    image,
    architecture,
  }: { readonly folder: string; readonly image: string; readonly architecture: Architecture },
): Promise<void> {
  const request = { context: folder, containerfile: join(folder, 'Containerfile'), image, architecture };
  const { exitCode, tail } = await builder.build(request);
  if (exitCode === 0) return;
  throw new RuntimeImageError(
    'RUNTIME_BUILD_FAILED',
    `The image cannot be built [image=${image}, builder=${builder.name}]; ${builder.name} said:\n${lastLines(tail)}`,
  );
}

/** A new file: builders refuse to add to one that is there. */
async function writeArchive(builder: Builder, image: string, archive: string): Promise<void> {
  await mkdir(dirname(archive), { recursive: true });
  await rm(archive, { force: true });
  const { exitCode, tail } = await builder.archive(image, archive);
  if (exitCode === 0) return;
  throw new RuntimeImageError(
    'RUNTIME_BUILD_FAILED',
    `The image's archive cannot be written [archive=${archive}, builder=${builder.name}]; ${builder.name} said:\n${lastLines(tail)}`,
  );
}
