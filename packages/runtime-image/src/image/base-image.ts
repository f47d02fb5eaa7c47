/** What an image is built on: pulled, or made from the user's own Containerfile. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { ConfigError } from '@splitrock/core/plugin';
import { DEFAULT_BASE, SCRATCH, type RuntimeBuildOptions } from '../build-options.ts';
import { lastLines } from '../run-program.ts';
import { RuntimeImageError } from '../runtime-image-error.ts';
import type { Architecture } from '../runtime-manifest.ts';
import type { Builder } from './builder.ts';
import { readImageInfo } from './image-info.ts';

export interface BaseImage {
  /** What manifests call it. */
  readonly name: string;
  /** What the Containerfile says. */
  readonly image: string;
  readonly nodeVersion?: string;
}

/** @throws RuntimeImageError `RUNTIME_BASE_UNAVAILABLE`, `RUNTIME_BUILD_FAILED`; ConfigError `CONFIG_UNREADABLE` */
export async function prepareBase(
  options: RuntimeBuildOptions,
  architecture: Architecture,
  builder: Builder,
): Promise<BaseImage> {
  if (options.containerfile !== undefined) {
    const file = resolve(options.projectFolder, options.containerfile);
    const image = await buildBase(file, architecture, builder);
    return { name: basename(file), image, ...(await nodeVersionOf(image, builder)) };
  }
  const image = options.base ?? DEFAULT_BASE;
  if (image === SCRATCH) return { name: SCRATCH, image };
  await pullBase(image, architecture, builder);
  return { name: image, image, ...(await nodeVersionOf(image, builder)) };
}

/** A base without a builder: it is not looked at. */
export function namedBase(options: RuntimeBuildOptions): BaseImage {
  if (options.containerfile !== undefined) {
    throw new ConfigError(
      'CONFIG_INVALID',
      'A context alone has one Containerfile; build yours first and name its image with `base`.',
    );
  }
  const image = options.base ?? DEFAULT_BASE;
  return { name: image, image };
}

/** One that is here already will do: it may have been made here. */
async function pullBase(image: string, architecture: Architecture, builder: Builder): Promise<void> {
  const pulled = await builder.pull(image, architecture);
  if (pulled.exitCode === 0) return;
  const present = await builder.inspect(image);
  if (present.exitCode === 0 && readImageInfo(image, present.stdout).architecture === architecture) return;
  throw new RuntimeImageError(
    'RUNTIME_BASE_UNAVAILABLE',
    `The base image cannot be pulled [base=${image}, architecture=${architecture}, builder=${builder.name}]; check its name and the registry, ` +
      `or build from this machine's Node with --base ${SCRATCH}. ${builder.name} said:\n${lastLines(pulled.tail)}`,
  );
}

async function buildBase(file: string, architecture: Architecture, builder: Builder): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new ConfigError('CONFIG_UNREADABLE', `The Containerfile cannot be read [file=${file}].`, { cause });
  }
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 10);
  const image = `localhost/splitrock-base:${hash}-${architecture}`;
  const built = await builder.build({ context: dirname(file), containerfile: file, image, architecture });
  if (built.exitCode === 0) return image;
  throw new RuntimeImageError(
    'RUNTIME_BUILD_FAILED',
    `Your Containerfile cannot be built [file=${file}, builder=${builder.name}]; ${builder.name} said:\n${lastLines(built.tail)}`,
  );
}

/** The official images of Node, and those built on them, tell their version in a variable. */
async function nodeVersionOf(image: string, builder: Builder): Promise<Pick<BaseImage, 'nodeVersion'>> {
  const { stdout } = await builder.inspect(image);
  const nodeVersion = readImageInfo(image, stdout).environment['NODE_VERSION'];
  return nodeVersion === undefined ? {} : { nodeVersion };
}
