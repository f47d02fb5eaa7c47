/** The text that a builder follows. Nothing in it runs, so it builds for any architecture and without privileges. */
import { labelsOf, type RuntimeManifest } from '../runtime-manifest.ts';

/** Where the worker lies in every image. */
export const IMAGE_FOLDER = '/opt/splitrock';
export const MANIFEST_FILE = `${IMAGE_FOLDER}/runtime.json`;
/** A number: Kubernetes cannot tell whether a name is root. */
const USER = '10001:10001';

const ENVIRONMENT: Readonly<Record<string, string>> = {
  NODE_ENV: 'production',
  // The only place that a worker writes to.
  HOME: '/tmp',
  SPLITROCK_WORKER_RUNTIME_FILE: MANIFEST_FILE,
};

export interface ContainerfileOptions {
  /** An image's name, or `scratch`. */
  readonly from: string;
  readonly manifest: RuntimeManifest;
  /** Folders of the context that are copied over the image's root, those that change seldom first. */
  readonly layers: readonly string[];
}

export function containerfile({ from, manifest, layers }: ContainerfileOptions): string {
  const assign = (values: Readonly<Record<string, string>>): string =>
    Object.entries(values)
      .map(([name, value]) => `${name}=${quote(value)}`)
      .join(' ');
  const entry = ['node', `${IMAGE_FOLDER}/worker/lib/main.js`];
  return `${[
    `FROM ${from}`,
    `ENV ${assign(ENVIRONMENT)}`,
    `WORKDIR ${IMAGE_FOLDER}`,
    ...layers.map((layer) => `COPY ${layer}/ /`),
    `LABEL ${assign(labelsOf(manifest))}`,
    `USER ${USER}`,
    `ENTRYPOINT ${JSON.stringify(entry)}`,
    `CMD ${JSON.stringify(['--bootstrap', '/etc/splitrock/bootstrap.json'])}`,
  ].join('\n')}\n`;
}

/** Builders expand `$` and read `\` in quoted words. */
const quote = (text: string): string => `"${text.replaceAll(/[\\"$]/g, '\\$&')}"`;
