/** What runs behind the name of an image. */
import type { ContainerContext } from './container.ts';

/** An image whose containers are real processes of this machine. */
export interface ProcessImage {
  readonly kind: 'process';
  /**
   * What a container runs unless the pod names a `command`: a program and its first arguments, or a function of what
   * the container is given, for programs that look for files at fixed places.
   */
  readonly entrypoint: readonly string[] | ((context: ContainerContext) => readonly string[]);
  /** What follows the entrypoint unless the pod names `args`. */
  readonly cmd?: readonly string[];
  /** Variables of the image; those of the pod win. Of this process's own variables only `PATH` is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /** The user that the image runs as; 0 is root, which `runAsNonRoot` refuses. @defaultValue 65532 */
  readonly user?: number;
  /** How long a node takes to pull the image the first time, in milliseconds. @defaultValue 0 */
  readonly pullMs?: number;
}

/** How one container of a scripted image goes. */
export interface ScriptedRun {
  /** How long it runs, in milliseconds of the cluster's clock. @defaultValue until it is told to end */
  readonly runMs?: number;
  /** @defaultValue 0 */
  readonly exitCode?: number;
  /** @defaultValue `Completed` for exit code 0, else `Error` */
  readonly reason?: string;
  /** Lines that it logs when it starts. */
  readonly logs?: readonly string[];
  /** Lives on after SIGTERM, until it is killed. @defaultValue false */
  readonly ignoresSigterm?: boolean;
}

/** An image without processes: thousands of such pods cost next to nothing. */
export interface ScriptedImage {
  readonly kind: 'scripted';
  readonly run: ScriptedRun | ((context: ContainerContext) => ScriptedRun);
  readonly user?: number;
  readonly pullMs?: number;
}

/** An image that no node can pull, with the registry's words. */
export interface UnpullableImage {
  readonly kind: 'unpullable';
  readonly message: string;
}

export type SimulatedImage = ProcessImage | ScriptedImage | UnpullableImage;

/** A container that runs until it is told to end. */
export const IDLE_IMAGE: ScriptedImage = { kind: 'scripted', run: {} };

export type ImageLookup =
  | { readonly found: ProcessImage | ScriptedImage }
  | { readonly reason: 'ErrImagePull' | 'InvalidImageName'; readonly message: string };

const REFERENCE = /^[a-z0-9]+([._:/-]+[a-zA-Z0-9_]+)*(@sha256:[0-9a-f]{64})?$/;

/** The images that the nodes can pull. */
export class ImageRegistry {
  readonly #images = new Map<string, SimulatedImage>();

  constructor(images: Readonly<Record<string, SimulatedImage>>) {
    for (const [name, image] of Object.entries(images)) this.add(name, image);
  }

  add(name: string, image: SimulatedImage): void {
    this.#images.set(fullReference(name), image);
  }

  lookUp(name: string): ImageLookup {
    if (!REFERENCE.test(name)) {
      const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": invalid reference format`;
      return { reason: 'InvalidImageName', message };
    }
    const reference = fullReference(name);
    const image = this.#images.get(reference);
    if (image !== undefined && image.kind !== 'unpullable') return { found: image };
    const why = image?.message ?? `${reference}: not found`;
    const failed = `failed to pull and unpack image "${reference}": failed to resolve reference "${reference}": ${why}`;
    return { reason: 'ErrImagePull', message: `rpc error: code = NotFound desc = ${failed}` };
  }
}

/** `busybox` is `docker.io/library/busybox:latest`. */
function fullReference(name: string): string {
  const parts = name.split('/');
  const [first = ''] = parts;
  const hasHost = parts.length > 1 && (/[.:]/.test(first) || first === 'localhost');
  const path = hasHost ? name : `docker.io/${parts.length === 1 ? 'library/' : ''}${name}`;
  return /:[^/]+$/.test(path) || path.includes('@') ? path : `${path}:latest`;
}
