/** Programs that services need: found on this machine, or installed from Debian's packages. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import type { ServiceDefinition } from './definition.ts';

const run = promisify(execFile);

/**
 * Packages would start their services when installed; tests start their own, so `policy-rc.d` forbids it meanwhile. One
 * install at a time, however many tests ask: that file has one owner.
 */
const INSTALL_SCRIPT = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get -q update
DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@"
`;

export const missingPrograms = ({ programs }: ServiceDefinition): string[] =>
  programs.filter((name) => !isProgram(name));

function isProgram(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const candidates = isAbsolute(name) ? [name] : folders.map((folder) => join(folder, name));
  return candidates.some((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Why this tool cannot install packages here; `undefined` when it can. */
export function whyNotInstallable(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can install packages';
  if (!existsSync('/usr/bin/apt-get')) return 'only Debian’s packages are known (no apt-get here)';
  return undefined;
}

/** Installs what is missing. Fails with a sentence that says what to do by hand. */
export async function ensureInstalled(definition: ServiceDefinition, say: (line: string) => void): Promise<void> {
  const missing = missingPrograms(definition);
  if (missing.length === 0) return;
  const packages = definition.packages.join(' ');
  const reason = whyNotInstallable();
  if (reason !== undefined) {
    throw new Error(
      `${missing.join(', ')} not found, and ${reason}; install ${packages}, or set ${definition.variables.join(', ')}`,
    );
  }
  say(`installing ${packages}`);
  await installPackages(definition.packages);
  const still = missingPrograms(definition);
  if (still.length > 0) throw new Error(`installing ${packages} brought no ${still.join(', ')}`);
}

/** Installs Debian's packages, as root, without starting what they bring; see {@link whyNotInstallable}. */
export async function installPackages(packages: readonly string[]): Promise<void> {
  const args = ['/var/lock/splitrock-install', 'sh', '-c', INSTALL_SCRIPT, 'install', ...packages];
  await run('flock', args, { maxBuffer: 64 << 20 });
}
