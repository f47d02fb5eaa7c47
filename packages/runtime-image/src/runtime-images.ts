/** What can be done with images that are there: list, inspect, push. */
import { findBuilder, type Builder, type BuilderName } from './image/builder.ts';
import { readImageInfo, type ImageInfo } from './image/image-info.ts';
import { lastLines, type RunProgramOptions } from './run-program.ts';
import { RuntimeImageError } from './runtime-image-error.ts';
import { RUNTIME_LABEL } from './runtime-manifest.ts';

export interface RuntimeImagesOptions extends RunProgramOptions {
  readonly builder?: BuilderName | undefined;
}

/** Worker images on this machine, newest first. @throws RuntimeImageError `RUNTIME_NO_BUILDER` */
export async function listRuntimes(options: RuntimeImagesOptions = {}): Promise<readonly ImageInfo[]> {
  const builder = await findBuilder(options.builder, options);
  const { stdout } = await builder.list(RUNTIME_LABEL);
  const names = [...new Set(stdout.split('\n'))].filter((name) => name !== '' && !name.includes('<none>'));
  const images: ImageInfo[] = [];
  for (const name of names) {
    // One may be removed while we look.
    const { exitCode, stdout } = await builder.inspect(name);
    if (exitCode === 0) images.push(readImageInfo(name, stdout));
  }
  return images.toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
}

/** @throws RuntimeImageError `RUNTIME_NO_BUILDER`, `RUNTIME_IMAGE_NOT_FOUND` */
export async function inspectRuntime(image: string, options: RuntimeImagesOptions = {}): Promise<ImageInfo> {
  return inspect(await findBuilder(options.builder, options), image);
}

/** @throws RuntimeImageError `RUNTIME_NO_BUILDER`, `RUNTIME_IMAGE_NOT_FOUND`, `RUNTIME_PUSH_REFUSED` */
export async function pushRuntime(image: string, options: RuntimeImagesOptions = {}): Promise<void> {
  const builder = await findBuilder(options.builder, options);
  await inspect(builder, image);
  const { exitCode, tail } = await builder.push(image);
  if (exitCode === 0) return;
  throw new RuntimeImageError(
    'RUNTIME_PUSH_REFUSED',
    `The image cannot be pushed [image=${image}, builder=${builder.name}]; log in with \`${builder.name} login\`, and see that the name begins with your registry. ` +
      `${builder.name} said:\n${lastLines(tail)}`,
  );
}

async function inspect(builder: Builder, image: string): Promise<ImageInfo> {
  const { exitCode, stdout, tail } = await builder.inspect(image);
  if (exitCode === 0) return readImageInfo(image, stdout);
  throw new RuntimeImageError(
    'RUNTIME_IMAGE_NOT_FOUND',
    `No such image is on this machine [image=${image}, builder=${builder.name}]; \`splitrock runtime list\` lists those there are. ` +
      `${builder.name} said: ${lastLines(tail, 1)}`,
  );
}
