/** Imports: what is bundled, what is left to the runtime, what is refused, and what is remembered. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as prettier from 'prettier';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/contracts/logger.ts';
import type { AnyFunction } from '../../src/functions/capture-options.ts';
import { prune } from '../../src/functions/bundle-cache.ts';
import { checkExternals } from '../../src/functions/externals.ts';
import { moduleFunction } from '../../src/functions/explicit-form.ts';
import { loadFunction } from '../../src/functions/load-function.ts';
import { FunctionShipper, type ShippedFunction } from '../../src/functions/ship-function.ts';
import { shipper, temporaryFolder } from './harness/round-trip.ts';

const PACKAGES = join(import.meta.dirname, 'packages');

async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  await cp(PACKAGES, join(folder, 'node_modules'), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const shipModule = async (file: string, external: readonly string[] = []): Promise<ShippedFunction> => {
  const own = new FunctionShipper({ logger: silentLogger, external });
  return own.ship(own.capture(moduleFunction(file)));
};

const call = async (shipped: ShippedFunction, item: unknown, nodeModules?: string): Promise<unknown> => {
  const loaded = await loadFunction({
    ...shipped,
    cacheDirectory: await temporaryFolder(),
    ...(nodeModules === undefined ? {} : { nodeModules }),
  });
  return loaded.call(item, {});
};

describe('external packages', () => {
  it('are recorded with the client’s version and found in the runtime’s own folder', async () => {
    const folder = await project({ 'job.mjs': "import { upper } from 'tiny-esm';\nexport default (x) => upper(x);" });
    const shipped = await shipModule(join(folder, 'job.mjs'), ['tiny-esm']);
    expect(shipped.externals).toEqual({ 'tiny-esm': '1.2.3' });
    expect(JSON.parse(Buffer.from(shipped.manifest).toString())).toMatchObject({
      v: 1,
      externals: { 'tiny-esm': '1.2.3' },
    });
    expect(gunzipSync(shipped.artifact).toString()).toContain('"tiny-esm"');
    expect(await call(shipped, 'text', join(folder, 'node_modules'))).toBe('TEXT');
    await expect(call(shipped, 'text')).rejects.toThrow(/tiny-esm/);
  });

  it('of native code pass when they are external', async () => {
    const folder = await project({ 'job.mjs': "import { hash } from 'tiny-native';\nexport default () => hash();" });
    await expect(shipModule(join(folder, 'job.mjs'))).rejects.toMatchObject({
      code: 'SHIP_NATIVE_ADDON',
      message: expect.stringContaining('Add `tiny-native` to `external`') as string,
    });
    expect((await shipModule(join(folder, 'job.mjs'), ['tiny-native'])).externals).toEqual({ 'tiny-native': '1.0.0' });
  });

  it('are left out too where a test runner names them by their files', async () => {
    const own = new FunctionShipper({ logger: silentLogger, external: ['prettier'] });
    const dynamic = await own.ship(own.capture(async () => (await import('prettier')).version));
    expect(dynamic.externals).toEqual({ prettier: prettier.version });
    const inner = await own.ship(own.capture(async () => import('prettier/plugins/babel')));
    expect(inner.externals).toEqual({ prettier: prettier.version });
    const shared = await own.ship(own.capture(() => prettier.version));
    expect(shared.externals).toEqual({ prettier: prettier.version });
    expect(gunzipSync(shared.artifact).toString()).toContain('from"prettier"');
  });

  it('are asked for by a name that leads to the file, or shipped with a warning', async () => {
    const folder = await project({ 'job.mjs': '' });
    const installed = join(folder, 'node_modules', 'patterned');
    await mkdir(join(installed, 'lib'), { recursive: true });
    const exports = { './parts/*': { import: './lib/*.mjs' } };
    await writeFile(join(installed, 'package.json'), JSON.stringify({ name: 'patterned', version: '3.0.0', exports }));
    for (const name of ['lib/one.mjs', 'inner.mjs']) await writeFile(join(installed, name), 'export default 1;');
    const from = (file: string): string =>
      `import one from ${JSON.stringify(join(installed, file))};\nexport default () => one;`;

    await writeFile(join(folder, 'job.mjs'), from('lib/one.mjs'));
    const named = await shipModule(join(folder, 'job.mjs'), ['patterned']);
    expect(named).toMatchObject({ externals: { patterned: '3.0.0' }, warnings: [] });
    expect(gunzipSync(named.artifact).toString()).toContain('"patterned/parts/one"');

    await writeFile(join(folder, 'other.mjs'), from('inner.mjs'));
    const shipped = await shipModule(join(folder, 'other.mjs'), ['patterned']);
    expect(shipped).toMatchObject({ externals: {}, warnings: [expect.stringMatching(/patterned.*inner\.mjs/)] });
  });

  it('always include Splitrock itself', async () => {
    const folder = await project({
      'job.mjs':
        "import * as splitrock from 'splitrock';\nimport { formatJobId } from '@splitrock/core/plugin';\nexport default () => [splitrock, formatJobId];",
    });
    const shipped = await shipModule(join(folder, 'job.mjs'));
    expect(Object.keys(shipped.externals)).toEqual(['@splitrock/core', 'splitrock']);
  });

  it.each([
    ['the same version', { a: '1.2.3' }, { a: '1.2.3' }, []],
    ['a newer minor', { a: '1.2.3' }, { a: '1.9.0' }, []],
    ['another major', { a: '1.2.3' }, { a: '2.0.0' }, ['a']],
    ['another minor of a 0.x', { a: '0.3.1' }, { a: '0.4.0' }, ['a']],
    ['a missing package', { a: '1.0.0', b: '1.0.0' }, { b: '1.0.0' }, ['a']],
    ['a runtime on the client’s disk', { a: '1.0.0' }, undefined, []],
    ['a package of unknown version', { a: '*' }, { a: '7.0.0' }, []],
  ])('are compared with the runtime: %s', (_name, required, packages, wrong) => {
    const problems = checkExternals(required, packages === undefined ? {} : { packages });
    expect(problems.map(({ name }) => name)).toEqual(wrong);
    for (const { name, message } of problems) expect(message).toContain(name);
  });
});

describe('imports that cannot be bundled', () => {
  it('name the file that imports', async () => {
    const folder = await project({
      'job.mjs': "import { a } from './other.mjs';\nexport default () => a;",
      'other.mjs': "import 'nowhere';\nexport const a = 1;",
    });
    await expect(shipModule(join(folder, 'job.mjs'))).rejects.toThrow(
      /its import `nowhere` \(from other\.mjs:1\) cannot be found/,
    );
  });
});

describe('code that looks for files beside it', () => {
  it('is told of, by the package or file that does so', async () => {
    const folder = await project({
      'job.mjs':
        "import { upper } from 'tiny-esm';\nimport { here } from './here.mjs';\nexport default () => upper(here);",
      'here.mjs': 'export const here = import.meta.url;\nexport const unused = 1;',
    });
    await writeFile(join(folder, 'node_modules/tiny-cjs/index.js'), 'module.exports = () => __dirname;');
    expect((await shipModule(join(folder, 'job.mjs'))).warnings).toEqual([
      expect.stringMatching(/^The imported file here\.mjs uses __dirname, __filename or import\.meta/),
    ]);
    await writeFile(join(folder, 'other.mjs'), "export { default } from 'tiny-cjs';");
    expect((await shipModule(join(folder, 'other.mjs'))).warnings).toEqual([
      expect.stringMatching(/^The package tiny-cjs uses .* leave the package to the runtime with `external`/),
    ]);
  });

  it('is told of when it is the function itself', () => {
    const { warnings } = shipper().capture(() => [typeof __dirname, import.meta.url]);
    expect(warnings).toEqual([
      expect.stringMatching(/^The function uses __dirname or __filename/),
      expect.stringMatching(/^The function uses import\.meta/),
    ]);
  });
});

describe('names that only exist when the function runs', () => {
  it('are told of: computed imports, and what an eval may name', () => {
    const name = 'tiny-esm';
    const warningsOf = (fn: AnyFunction): readonly string[] => shipper().capture(fn).warnings;
    expect(warningsOf(async () => import(/* @vite-ignore */ name))).toEqual([
      expect.stringMatching(/^The function has an import\(\) of a computed name/),
    ]);
    expect(warningsOf(() => require(name) as unknown)).toEqual([
      expect.stringMatching(/^The function has a require\(\) of a computed name/),
    ]);
    expect(warningsOf((text: string) => eval(text) as unknown)).toEqual([
      expect.stringMatching(/^The function calls eval: variables that only the evaluated text names do not travel/),
    ]);
  });
});

describe('the cache on disk', () => {
  const bundles = (folder: string): Promise<string[]> => readdir(join(folder, 'node_modules/.cache/splitrock/bundles'));

  // The cache of this process would hide the one on disk.
  async function shipElsewhere(folder: string, file: string): Promise<string> {
    const source = (name: string): string => JSON.stringify(new URL(`../../src/${name}`, import.meta.url).href);
    const program = `
      import { FunctionShipper } from ${source('functions/ship-function.ts')};
      import { moduleFunction } from ${source('functions/explicit-form.ts')};
      import { silentLogger } from ${source('contracts/logger.ts')};
      const own = new FunctionShipper({ logger: silentLogger });
      const { sha256 } = await own.ship(own.capture(moduleFunction(${JSON.stringify(join(folder, file))})));
      console.log(sha256);`;
    const child = spawn(process.execPath, ['--conditions=@splitrock/source', '--input-type=module', '-e', program], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(0);
    return output.join('').trim();
  }

  it('is used while nothing changed, and not any more when an imported file did', async () => {
    const folder = await project({
      'job.mjs': "import { a } from './other.mjs';\nexport default () => a;",
      'other.mjs': 'export const a = 1;',
    });
    const first = await shipElsewhere(folder, 'job.mjs');
    expect(await bundles(folder)).toHaveLength(1);
    await utimes(join(folder, 'other.mjs'), new Date(0), new Date(0));
    expect(await shipElsewhere(folder, 'job.mjs')).toBe(first);
    await writeFile(join(folder, 'other.mjs'), 'export const a = 2;');
    expect(await shipElsewhere(folder, 'job.mjs')).not.toBe(first);
    const [entry] = await bundles(folder);
    await writeFile(join(folder, 'node_modules/.cache/splitrock/bundles', entry ?? ''), '{ damaged');
    await shipElsewhere(folder, 'job.mjs');
  });

  it('loses what was not used for long, and what was used longest ago when it is too large', async () => {
    const folder = await temporaryFolder();
    const seconds = (ago: number): Date => new Date(Date.now() - ago * 1000);
    for (const [name, ago] of Object.entries({ new: 1, recent: 10, older: 100, oldest: 10_000 })) {
      await writeFile(join(folder, name), 'x'.repeat(100));
      await utimes(join(folder, name), seconds(ago), seconds(ago));
    }
    await prune(folder);
    expect(await readdir(folder)).toHaveLength(4);
    await prune(folder, { maxAgeMs: 1_000_000 });
    expect(await readdir(folder)).toEqual(['new', 'older', 'recent']);
    await prune(folder, { maxBytes: 250 });
    expect(await readdir(folder)).toEqual(['new', 'recent']);
  });

  it('does without a node_modules folder', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'job.mjs'), 'export default () => 1;');
    const own = shipper();
    await own.ship(own.capture(moduleFunction(join(folder, 'job.mjs'))));
    expect(await readdir(folder)).toEqual(['job.mjs']);
  });
});

describe('the folder of a worker', () => {
  it('follows the runtime’s packages when they move', async () => {
    const folder = await project({ 'job.mjs': "import { upper } from 'tiny-esm';\nexport default (x) => upper(x);" });
    const shipped = await shipModule(join(folder, 'job.mjs'), ['tiny-esm']);
    const cacheDirectory = join(folder, 'cache');
    await mkdir(cacheDirectory);
    await symlink(join(folder, 'gone'), join(cacheDirectory, 'node_modules'));
    const loaded = await loadFunction({ ...shipped, cacheDirectory, nodeModules: join(folder, 'node_modules') });
    expect(loaded.call('moved', {})).toBe('MOVED');
    await rm(cacheDirectory, { recursive: true });
  });
});
