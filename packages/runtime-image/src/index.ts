/** Builds the image that workers run in, and looks at images; or only the files of the worker runtime. */
export { buildRuntime, type BuiltRuntime } from './build-runtime.ts';
export { DEFAULT_BASE, type RuntimeBuildInput } from './build-options.ts';
export {
  bundleRuntime,
  type BundleRuntimeOptions,
  type BundledRuntime,
  type RuntimePlugin,
} from './bundle/bundle-runtime.ts';
export { BUILDER_NAMES, type BuilderName } from './image/builder.ts';
export type { ImageInfo } from './image/image-info.ts';
export type { RunProgramOptions } from './run-program.ts';
export { RuntimeImageError } from './runtime-image-error.ts';
export { inspectRuntime, listRuntimes, pushRuntime, type RuntimeImagesOptions } from './runtime-images.ts';
export { ARCHITECTURES, type Architecture, type RuntimeManifest } from './runtime-manifest.ts';
