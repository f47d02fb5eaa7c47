/** `splitrock config show`. */
import { formatOrigin, formatPath, resolvePlugins, type ConfigEntry } from '@splitrock/core';
import type { CliContext, CommonOptions } from '../cli-context.ts';
import { withServices } from '../composition.ts';

export async function showConfig(
  context: CliContext,
  options: CommonOptions & { readonly origin?: boolean },
): Promise<void> {
  const { output, resolveFrom, cwd } = context;
  const entries = await withServices(context, options, async (services) => {
    const config = await services.config();
    const plugins = await resolvePlugins(config, { resolveFrom });
    // The chosen plugins know more of their own options than the files say: defaults, and which are secret.
    const known = [...plugins.backend.entries, ...plugins.storage.entries, ...plugins.monitoring.entries];
    const sections = new Set(known.map(({ path }) => formatPath(path.slice(0, 2))));
    const others = [...config.entries()].filter(({ path }) => !sections.has(formatPath(path.slice(0, 2))));
    return [...others.filter(isNoEmptySection), ...known];
  });

  if (options.json === true) {
    output.json(
      entries.map(({ path, value, origin }) => ({
        path: formatPath(path),
        value,
        ...(options.origin === true ? { origin: formatOrigin(origin, cwd) } : {}),
      })),
    );
    return;
  }
  const rows = entries.map(({ path, value, origin }) => {
    const text = `${formatPath(path)}: ${JSON.stringify(value) ?? ''}`;
    return options.origin === true ? [text, formatOrigin(origin, cwd)] : [text];
  });
  output.table(options.origin === true ? ['VALUE', 'ORIGIN'] : ['VALUE'], rows);
}

/** `backends: {}` of the defaults says nothing. */
const isNoEmptySection = ({ path, origin }: ConfigEntry): boolean =>
  path.length > 1 || origin.kind !== 'default' || !isSectionName(path[0]);
const isSectionName = (name: unknown): boolean => name === 'backends' || name === 'storages' || name === 'monitorings';
