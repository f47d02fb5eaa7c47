import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { whyUnavailable } from '@splitrock/services';

const run = promisify(execFile);
const script = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const CLI = script('../src/cli.ts');
const PATIENCE = { timeout: 20_000 };

const reason = whyUnavailable('redis');
if (reason !== undefined) {
  if (process.env['CI']) throw new Error(`tests need Redis: ${reason}`);
  console.warn(`SKIPPED, no Redis: ${reason}`);
}

describe.skipIf(reason !== undefined)('services', () => {
  let scope = 0;
  let environment: NodeJS.ProcessEnv = {};

  beforeEach(() => {
    // A scope of one's own: other tests use the clone's servers at the same time.
    environment = { ...process.env, SERVICES_SCOPE: `test-${process.pid}-${++scope}`, SERVICES_IDLE_MS: '500' };
    for (const name of Object.keys(environment)) if (name.startsWith('SPLITROCK_TEST_')) delete environment[name];
  });

  afterEach(() => services('down'));

  const services = async (...args: string[]): Promise<string> =>
    (await run(process.execPath, [CLI, ...args, 'redis'], { env: environment })).stdout.trim();

  const addressOf = (output: string): URL =>
    new URL(/^SPLITROCK_TEST_REDIS_URL=(.*)$/m.exec(output)?.[1] ?? 'missing:');

  /** A process that leases Redis, tells its address, and keeps the lease until it ends. */
  const lease = async (): Promise<{ child: ChildProcess; url: URL }> => {
    const child = spawn(process.execPath, [script('lease-process.ts')], {
      env: environment,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    return { child, url: new URL(String(value)) };
  };

  const end = async (child: ChildProcess): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };

  it('are started once for all who ask at once, and end soon after the last of them, however that ends', async () => {
    const leases = await Promise.all([lease(), lease(), lease()]);
    const urls = new Set(leases.map(({ url }) => url.href));
    expect(urls.size).toBe(1);
    const [url] = leases.map((each) => each.url) as [URL];
    const folder = folderOf(await pidOf(url));
    for (const { child } of leases.slice(1)) await end(child);
    // Each look takes a process; together they take longer than an idle service would last.
    const began = performance.now();
    while (performance.now() - began < 1_500) expect(addressOf(await services('status')).href).toBe(url.href);
    expect(await ask(url, 'PING')).toBe('+PONG');
    await end((leases[0] as { child: ChildProcess }).child);
    await expect.poll(() => answers(url), PATIENCE).toBe(false);
    await expect.poll(() => existsSync(folder), PATIENCE).toBe(false);
  });

  it('that are held stay without anybody using them, until down', async () => {
    const url = addressOf(await services('up'));
    const used = await lease();
    expect(used.url.href).toBe(url.href);
    await end(used.child);
    expect(addressOf(await services('status')).href).toBe(url.href);
    await services('down');
    expect(await answers(url)).toBe(false);
    expect(await services('status')).toBe('');
  });

  it('come back from stop at the same address with their data, from down with neither', async () => {
    const url = addressOf(await services('up'));
    expect(await ask(url, 'SET kept yes')).toBe('+OK');
    await services('stop');
    expect(await answers(url)).toBe(false);
    expect(addressOf(await services('start')).href).toBe(url.href);
    expect(await ask(url, 'EXISTS kept')).toBe(':1');
    await services('down');
    const again = addressOf(await services('up'));
    expect(await ask(again, 'EXISTS kept')).toBe(':0');
  });

  it('whose keeper is killed are ended by the next one', async () => {
    const url = addressOf(await services('up'));
    const orphan = await pidOf(url);
    const keeper = Number(/^PPid:\s+(\d+)$/m.exec((await run('cat', [`/proc/${orphan}/status`])).stdout)?.[1]);
    process.kill(keeper, 'SIGKILL');
    await expect.poll(() => services('status'), PATIENCE).toBe('');
    const again = addressOf(await services('up'));
    expect(await ask(again, 'PING')).toBe('+PONG');
    expect(await pidOf(again)).not.toBe(orphan);
    expect(existsSync(`/proc/${orphan}/cwd`)).toBe(false);
  });

  it('that are kept beside a command end soon after it, whose exit code is told', async () => {
    const untilTold = `process.stdin.on('end', () => process.exit(3)).resume()`;
    const beside = spawn(process.execPath, [CLI, 'run', 'redis', '--', process.execPath, '--eval', untilTold], {
      env: environment,
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    const exit = once(beside, 'exit');
    await expect.poll(() => services('status'), PATIENCE).not.toBe('');
    const url = addressOf(await services('status'));
    beside.stdin.end();
    expect(await exit).toEqual([3, null]);
    await expect.poll(() => answers(url), PATIENCE).toBe(false);
  });

  it('of the environment are taken as they are', async () => {
    environment = { ...environment, SPLITROCK_TEST_REDIS_URL: 'redis://elsewhere:1/' };
    const { child, url } = await lease();
    expect(url.href).toBe('redis://elsewhere:1/');
    await end(child);
    expect(await services('status')).toBe('');
  });
});

/** Sends one inline command to Redis and returns the first line of the answer. */
async function ask(url: URL, command: string): Promise<string> {
  const socket = connect(Number(url.port), url.hostname);
  await once(socket, 'connect');
  socket.write(`${command}\r\n`);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return chunk.toString().split('\r\n')[0] ?? '';
}

const answers = (url: URL): Promise<boolean> =>
  ask(url, 'PING').then(
    () => true,
    () => false,
  );

/** The process that serves a port, found by its command line. */
async function pidOf(url: URL): Promise<number> {
  for (const name of readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry))) {
    const command = await run('cat', [`/proc/${name}/cmdline`]).then(
      ({ stdout }) => stdout,
      () => '',
    );
    if (command.startsWith('redis-server') && command.includes(`:${url.port}`)) return Number(name);
  }
  throw new Error(`nobody serves ${url.href}`);
}

const folderOf = (pid: number): string => readlinkSync(`/proc/${pid}/cwd`);
