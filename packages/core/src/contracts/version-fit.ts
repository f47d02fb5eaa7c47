/**
 * Whether what one version writes or needs, another reads or offers, as semantic versioning has it: the same major, and for
 * `0.x` the same minor. `*` fits everything.
 */
export function isVersionFit(wanted: string, found: string): boolean {
  if (wanted === '*') return true;
  const [wantedMajor, wantedMinor] = wanted.split('.');
  const [foundMajor, foundMinor] = found.split('.');
  return wantedMajor === foundMajor && (wantedMajor !== '0' || wantedMinor === foundMinor);
}
