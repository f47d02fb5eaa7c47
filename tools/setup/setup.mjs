/**
 * Makes a clone ready to build and test, from nothing but Node and npm; `npm test` and `npm run demo` begin with it.
 *
 * Installs what package-lock.json names, when node_modules differs from it. That brings Node 24 as a package, for the
 * platforms that have one: npm puts node_modules/.bin first on PATH, so whatever follows in the same script runs on it.
 * Quiet when there is nothing to do. Uses Node's own modules only and runs on the oldest Node we accept.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { adviceFor, isAtLeast, whyInstall } from './installed.mjs';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Tests and tools run TypeScript sources as they are, which Node does by itself from here on. */
const OLDEST_NODE_FOR_SOURCES = '22.18.0';

/** @param {string} path */
const readJson = (path) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));

/** @param {string} line */
const say = (line) => process.stdout.write(`set-up: ${line}\n`);

/**
 * @param {string} problem
 * @returns {never}
 */
function fail(problem) {
  process.stderr.write(`set-up failed: ${problem}\n`);
  process.exit(1);
}

function checkNode() {
  const minimum = readJson('package.json').engines.node.replace('>=', '');
  if (!isAtLeast(process.version, minimum))
    fail(`Node ${process.version} is too old; install Node ${minimum} or newer.`);
}

function installDependencies() {
  const hidden = 'node_modules/.package-lock.json';
  const reason = whyInstall(
    readJson('package-lock.json'),
    existsSync(join(ROOT, hidden)) ? readJson(hidden) : undefined,
  );
  if (reason === undefined) return;

  say(`npm ci (${reason}); this takes about half a minute`);
  const startedAtMs = Date.now();
  // Inside an npm script npm_execpath is the npm that runs it; starting that one needs no shell on any platform.
  const npm = process.env['npm_execpath'];
  const args = ['ci', '--loglevel=error', '--progress=false', '--no-audit', '--no-fund'];
  /** @type {import('node:child_process').SpawnSyncOptionsWithStringEncoding} */
  const options = { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 << 20 };
  const result = npm ? spawnSync(process.execPath, [npm, ...args], options) : spawnSync('npm', args, options);
  if (result.error) fail(`npm could not be started (${result.error.message}); is it installed?`);
  if (result.status !== 0) {
    const output = `${result.stdout}${result.stderr}`;
    process.stderr.write(output);
    fail(`npm ci ended with ${result.status ?? result.signal}. ${adviceFor(output)}`);
  }
  say(`dependencies installed in ${Math.round((Date.now() - startedAtMs) / 1000)} s`);
}

/** The `node` that npm scripts find must be able to run the sources. */
function checkScriptNode() {
  const path = `${join(ROOT, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`;
  const answer = spawnSync('node', ['--version'], { encoding: 'utf8', env: { ...process.env, PATH: path } });
  const version = answer.stdout?.trim() || process.version;
  if (isAtLeast(version, OLDEST_NODE_FOR_SOURCES)) return;
  fail(
    `Node ${version} cannot run the sources and npm has no newer one for ${process.platform}-${process.arch}; ` +
      `install Node ${OLDEST_NODE_FOR_SOURCES} or newer.`,
  );
}

checkNode();
installDependencies();
checkScriptNode();
