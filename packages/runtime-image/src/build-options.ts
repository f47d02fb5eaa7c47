import { z } from 'zod';
import { BUILDER_NAMES } from './image/builder.ts';
import { ARCHITECTURES } from './runtime-manifest.ts';

/** As image registries have it: `[registry[:port]/]path[:tag]`, lower case. */
const REFERENCE =
  /^(?:[a-z0-9.-]+(?::[0-9]+)?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$/;
const PACKAGE_NAME = /^(?:@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/;
const PACKAGE = /^(?:@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*(?:@\S+)?$/;

export const DEFAULT_IMAGE = 'splitrock-runtime';
export const DEFAULT_BASE = 'node:24-slim';
export const SCRATCH = 'scratch';

export const runtimeBuildOptionsSchema = z
  .strictObject({
    image: z
      .string()
      .regex(REFERENCE, 'must be an image’s name: [registry/]path[:tag], in lower case')
      .default(DEFAULT_IMAGE)
      .describe('Name of the image. Without a tag it gets one made of the version and the content.'),
    base: z
      .string()
      .min(1)
      .optional()
      .describe(
        `Image with Node to build on. Default: \`${DEFAULT_BASE}\`. \`${SCRATCH}\`: nothing but this machine’s Node.`,
      ),
    containerfile: z
      .string()
      .min(1)
      .optional()
      .describe('A Containerfile (Dockerfile) that makes the base, built in its own folder. Instead of `base`.'),
    packages: z
      .array(z.string().regex(PACKAGE, 'must be a package’s name, perhaps with @version'))
      .default([])
      .describe('npm packages to install for functions that leave them external: `sharp@0.34.0`.'),
    packageFile: z
      .string()
      .min(1)
      .optional()
      .describe('A `package.json` whose dependencies are installed, with the lock file beside it where there is one.'),
    plugins: z
      .array(z.string().regex(PACKAGE_NAME, 'must be a package’s name'))
      .optional()
      .describe('Plugin packages that workers need. Default: all of Splitrock’s that are installed.'),
    architecture: z.enum(ARCHITECTURES).optional().describe('The cluster’s. Default: this machine’s.'),
    builder: z
      .enum(BUILDER_NAMES)
      .optional()
      .describe('The program that builds. Default: the first of these that works.'),
    node: z.string().min(1).optional().describe(`The Node program for \`${SCRATCH}\`. Default: the one that runs.`),
    output: z
      .string()
      .min(1)
      .optional()
      .describe('Also write the image into this archive, to be loaded without a registry.'),
    context: z.string().min(1).optional().describe('Build nothing; write what a builder needs into this folder.'),
    projectFolder: z.string().min(1).describe('Where packages are looked for and paths begin.'),
  })
  .refine(({ base, containerfile }) => base === undefined || containerfile === undefined, {
    message: 'give base or containerfile, not both',
    path: ['containerfile'],
  });

export type RuntimeBuildOptions = z.infer<typeof runtimeBuildOptionsSchema>;
export type RuntimeBuildInput = z.input<typeof runtimeBuildOptionsSchema>;
