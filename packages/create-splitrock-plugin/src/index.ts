export type { Setting } from './manifest.ts';
export { PLUGIN_KINDS, problemsOf, type PluginKind, type PluginSpec } from './plugin-spec.ts';
export { renderPlugin, type RenderedFile } from './render-plugin.ts';
