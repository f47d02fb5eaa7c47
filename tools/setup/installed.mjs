/** Decides whether `node_modules` is what package-lock.json asks for. Pure; {@link ./setup.mjs} does the reading. */

/**
 * One package of a lock file, as far as it matters here.
 * @typedef {{ version?: string, integrity?: string, link?: boolean, resolved?: string, optional?: boolean, devOptional?: boolean }} LockEntry
 * @typedef {{ packages?: Record<string, LockEntry> }} LockFile
 */

/**
 * The first difference between what should be installed and what npm says it has installed, in words; undefined when
 * there is none.
 *
 * npm writes `node_modules/.package-lock.json` last, so an interrupted install has none. Optional packages may be
 * absent (they are for other platforms), but must not be there in another version.
 *
 * @param {LockFile} wanted package-lock.json
 * @param {LockFile | undefined} installed node_modules/.package-lock.json, if there is one
 * @returns {string | undefined}
 */
export function whyInstall(wanted, installed) {
  if (installed === undefined) return 'nothing is installed yet';
  const have = installed.packages ?? {};
  for (const [path, entry] of Object.entries(wanted.packages ?? {})) {
    if (path === '') continue;
    const present = have[path];
    if (present === undefined) {
      if (entry.optional || entry.devOptional) continue;
      return `${path} is missing`;
    }
    if (entry.version !== present.version) return `${path} is ${present.version}, not ${entry.version}`;
    if (entry.integrity !== present.integrity) return `${path} has other contents than package-lock.json says`;
  }
  return undefined;
}

/**
 * Whether version `actual` (`v24.21.0` or `24.21.0`) is at least `minimum` (`20.19`).
 *
 * @param {string} actual
 * @param {string} minimum
 */
export function isAtLeast(actual, minimum) {
  const [a, b] = [actual, minimum].map((text) =>
    text
      .replace(/^[v>=]+/, '')
      .split('.')
      .map(Number),
  );
  for (let part = 0; part < 3; part++) {
    const difference = (a?.[part] ?? 0) - (b?.[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** What npm prints for a failure, and what a person can do about it. First match wins. */
const ADVICE = [
  {
    sign: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT/,
    advice:
      'The package registry cannot be reached. Check the network, a proxy (npm config get proxy) and npm config get registry, then try again.',
  },
  {
    sign: /\bE40[13]\b/,
    advice: 'The package registry refuses access. Check npm config get registry and its credentials.',
  },
  { sign: /\bENOSPC\b/, advice: 'The disk is full; about 1 GB is needed.' },
  {
    sign: /\b(EACCES|EPERM|EROFS)\b/,
    advice: 'A file cannot be written. Check who owns this folder and the npm cache (npm config get cache).',
  },
  {
    sign: /\bEINTEGRITY\b/,
    advice: 'A package is not what package-lock.json says. Try npm cache verify; if it stays, do not install it.',
  },
  { sign: /\bEUSAGE\b/, advice: 'package.json and package-lock.json disagree. Run npm install and commit both.' },
];

/**
 * What to do about a failed `npm ci`, from what it printed.
 *
 * @param {string} output
 */
export function adviceFor(output) {
  return ADVICE.find(({ sign }) => sign.test(output))?.advice ?? 'What npm printed is above.';
}
