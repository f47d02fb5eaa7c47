/** Where a container's volumes really are, since a local process has no root file system of its own. */
export type Mounts = Readonly<Record<string, string>>;

/**
 * Puts the real folder in place of each mount path in a text: in `/etc/app/config.json`, also within
 * `--config=/etc/app/config.json` or `file:///etc/app`, but not in `/etc/apple`.
 */
export function fillInMountPaths(text: string, mounts: Mounts): string {
  // The longest first, so that a volume mounted within another is not hidden by it.
  const paths = Object.keys(mounts).sort((one, other) => other.length - one.length);
  if (paths.length === 0) return text;
  const alternatives = paths.map((path) => path.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('|');
  const pattern = new RegExp(String.raw`(^|[\s=:,;"'(\[]|file:\/\/)(${alternatives})(?=$|[/\s:,;"')\]])`, 'g');
  return text.replaceAll(pattern, (_all, before: string, path: string) => `${before}${mounts[path] ?? path}`);
}
