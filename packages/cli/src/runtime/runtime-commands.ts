/** What the commands of `splitrock runtime` do. */
import {
  BUILDER_NAMES,
  buildRuntime,
  inspectRuntime,
  listRuntimes,
  pushRuntime,
  type ImageInfo,
  type RuntimeBuildInput,
  type RuntimeImagesOptions,
  type RuntimeManifest,
} from '@splitrock/runtime-image';
import type { CliContext } from '../cli-context.ts';
import { formatBytes } from '../output/quantities.ts';
import { UsageError } from '../output/error-report.ts';

export interface RuntimeFlags {
  readonly json?: boolean;
  readonly builder?: string;
}

export interface RuntimeBuildFlags extends RuntimeFlags {
  readonly base?: string;
  readonly containerfile?: string;
  readonly package?: readonly string[];
  readonly packageFile?: string;
  readonly plugin?: readonly string[];
  readonly architecture?: string;
  readonly node?: string;
  readonly output?: string;
  readonly context?: string;
}

export async function buildImage(
  context: CliContext,
  image: string | undefined,
  { json, package: packages, plugin: plugins, ...flags }: RuntimeBuildFlags,
): Promise<void> {
  const given = Object.entries({ ...flags, image, packages, plugins }).filter(([, value]) => value !== undefined);
  // The schema knows which values are right, and says so.
  const options = { ...Object.fromEntries(given), projectFolder: context.cwd } as RuntimeBuildInput;
  const built = await buildRuntime(options, progressOf(context));
  if (json === true) return context.output.json(built);
  const { output } = context;
  if (built.image !== undefined) output.line(`image     ${built.image}`);
  if (built.archive !== undefined) output.line(`archive   ${built.archive}`);
  if (built.context !== undefined) output.line(`context   ${built.context}`);
  for (const line of describe(built.manifest)) output.line(line);
}

export async function pushImage(context: CliContext, image: string, flags: RuntimeFlags): Promise<void> {
  await pushRuntime(image, { ...progressOf(context), ...builderOf(flags) });
  if (flags.json === true) context.output.json({ pushed: image });
  else context.output.line(`pushed ${image}`);
}

export async function listImages(context: CliContext, flags: RuntimeFlags): Promise<void> {
  const images = await listRuntimes({ signal: context.signal, ...builderOf(flags) });
  if (flags.json === true) return context.output.json(images.map(withoutEnvironment));
  const rows = images.map(({ image, manifest, architecture, createdAt }) => [
    image,
    manifest?.splitrockVersion ?? '?',
    manifest?.nodeVersion ?? '?',
    architecture,
    createdAt.slice(0, 19).replace('T', ' '),
  ]);
  context.output.table(['IMAGE', 'SPLITROCK', 'NODE', 'ARCHITECTURE', 'CREATED'], rows);
}

export async function inspectImage(context: CliContext, image: string, flags: RuntimeFlags): Promise<void> {
  const info = await inspectRuntime(image, { signal: context.signal, ...builderOf(flags) });
  if (flags.json === true) return context.output.json(withoutEnvironment(info));
  const { output } = context;
  output.line(`image     ${info.image}`);
  output.line(`id        ${info.id}`);
  output.line(`created   ${info.createdAt.slice(0, 19).replace('T', ' ')}`);
  if (info.bytes !== undefined) output.line(`size      ${formatBytes(info.bytes)}`);
  if (info.manifest === undefined) output.note('It is no worker image: it has no manifest of Splitrock’s.');
  else for (const line of describe(info.manifest)) output.line(line);
}

function describe(manifest: RuntimeManifest): readonly string[] {
  const { splitrockVersion, nodeVersion = 'known when it runs', architecture, base, plugins, packages } = manifest;
  const list = (versions: Readonly<Record<string, string>>): string =>
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ') || 'none';
  return [
    `splitrock ${splitrockVersion}`,
    `node      ${nodeVersion}, linux/${architecture}, on ${base}`,
    `plugins   ${list(plugins)}`,
    `packages  ${list(packages)}`,
  ];
}

/** Variables of a base image may be anybody’s secrets. */
const withoutEnvironment = ({ environment: _hidden, ...info }: ImageInfo): Omit<ImageInfo, 'environment'> => info;

const progressOf = ({ output, signal }: CliContext): Pick<RuntimeImagesOptions, 'signal' | 'onProgress'> => ({
  signal,
  onProgress: (text) => void output.stderr.write(text),
});

function builderOf({ builder }: RuntimeFlags): Pick<RuntimeImagesOptions, 'builder'> {
  const known = BUILDER_NAMES.find((name) => name === builder);
  if (builder !== undefined && known === undefined)
    throw new UsageError(`${builder} is no builder; there are ${BUILDER_NAMES.join(', ')}.`);
  return { builder: known };
}
