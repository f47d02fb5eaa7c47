/** The programs that build images, as one. */
import { RuntimeImageError } from '../runtime-image-error.ts';
import { runProgram, type ProgramResult, type RunProgramOptions } from '../run-program.ts';
import type { Architecture } from '../runtime-manifest.ts';

export const BUILDER_NAMES = ['docker', 'podman', 'buildah'] as const;
export type BuilderName = (typeof BUILDER_NAMES)[number];

export interface BuildRequest {
  readonly context: string;
  readonly containerfile: string;
  readonly image: string;
  readonly architecture: Architecture;
}

/** How the programs' command lines differ. All name images and print Go templates alike. */
interface Dialect {
  /** Asks whether the program works, not only whether it is there: a client without its daemon does not. */
  readonly probe: readonly string[];
  readonly build: readonly string[];
  readonly inspect: readonly string[];
  /** What calls an image's repository in `images --format`. */
  readonly repository: string;
  archive(image: string, file: string): readonly string[];
}

const DIALECTS: Readonly<Record<BuilderName, Dialect>> = {
  docker: {
    probe: ['version', '--format', '{{.Server.Version}}'],
    build: ['build'],
    inspect: ['image', 'inspect'],
    repository: '{{.Repository}}',
    archive: (image, file) => ['save', '--output', file, image],
  },
  podman: {
    probe: ['info'],
    build: ['build'],
    inspect: ['image', 'inspect'],
    repository: '{{.Repository}}',
    archive: (image, file) => ['save', '--format', 'oci-archive', '--output', file, image],
  },
  buildah: {
    probe: ['info'],
    // As the others do: what has not changed is not built again.
    build: ['bud', '--layers'],
    inspect: ['inspect', '--type', 'image'],
    repository: '{{.Name}}',
    archive: (image, file) => ['push', image, `oci-archive:${file}:${image}`],
  },
};

/** Needs no kernel support; slower and larger, so only where the default does not work. */
const PLAIN_STORAGE = ['--storage-driver', 'vfs'];

export class Builder {
  readonly name: BuilderName;
  readonly #global: readonly string[];
  readonly #options: RunProgramOptions;

  constructor(name: BuilderName, global: readonly string[], options: RunProgramOptions) {
    this.name = name;
    this.#global = global;
    this.#options = options;
  }

  build({ context, containerfile, image, architecture }: BuildRequest): Promise<ProgramResult> {
    const platform = ['--platform', `linux/${architecture}`];
    return this.#run([...DIALECTS[this.name].build, ...platform, '--file', containerfile, '--tag', image, context]);
  }

  pull(image: string, architecture: Architecture): Promise<ProgramResult> {
    return this.#run(['pull', '--platform', `linux/${architecture}`, image]);
  }

  push(image: string): Promise<ProgramResult> {
    return this.#run(['push', image]);
  }

  /** What the builder knows of an image, as JSON of a form of its own; exit code 0 only when it is there. */
  inspect(image: string): Promise<ProgramResult> {
    return this.#run([...DIALECTS[this.name].inspect, image], { quiet: true });
  }

  /** One name a line. */
  list(label: string): Promise<ProgramResult> {
    const format = `${DIALECTS[this.name].repository}:{{.Tag}}`;
    return this.#run(['images', '--filter', `label=${label}`, '--format', format], { quiet: true });
  }

  archive(image: string, file: string): Promise<ProgramResult> {
    return this.#run(DIALECTS[this.name].archive(image, file));
  }

  #run(args: readonly string[], { quiet = false } = {}): Promise<ProgramResult> {
    const { onProgress: _silent, ...silently } = this.#options;
    return runProgram(this.name, [...this.#global, ...args], quiet ? silently : this.#options);
  }
}

/**
 * The first builder that works.
 * @throws RuntimeImageError `RUNTIME_NO_BUILDER` with what each of them said
 */
export async function findBuilder(asked: BuilderName | undefined, options: RunProgramOptions): Promise<Builder> {
  const { onProgress: _silent, ...silently } = options;
  const said: string[] = [];
  for (const name of asked === undefined ? BUILDER_NAMES : [asked]) {
    for (const global of name === 'buildah' ? [[], PLAIN_STORAGE] : [[]]) {
      const { exitCode, tail } = await runProgram(name, [...global, ...DIALECTS[name].probe], silently);
      if (exitCode === 0) return new Builder(name, global, options);
      said.push(`${name}: ${tail.split('\n').at(-1) ?? ''}`);
    }
  }
  throw new RuntimeImageError(
    'RUNTIME_NO_BUILDER',
    `No program that builds images works here; install docker, podman or buildah, or let another machine build with --context. Tried:\n${said.join('\n')}`,
  );
}
