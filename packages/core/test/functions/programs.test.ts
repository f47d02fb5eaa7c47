/** The unusual ways in which a program runs: typed in, piped in, debugged, restricted; and what a worker must not start. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NODE } from './harness/node.ts';
import { temporaryFolder } from './harness/round-trip.ts';

/** Puts `trip(fn, item)` at the program's disposal: ships, loads, calls, and prints what came of it. */
const LIBRARY = `
  import { FunctionShipper } from './functions/ship-function.ts';
  import { fn, moduleFunction } from './functions/explicit-form.ts';
  import { loadFunction } from './functions/load-function.ts';
  import { silentLogger } from './contracts/logger.ts';
  const own = new FunctionShipper({ logger: silentLogger });
  Object.assign(globalThis, { fn, moduleFunction, own, trip: (f, item, options) => {
    const captured = own.capture(f, options);
    return (async () => {
      const shipped = await own.ship(captured);
      const loaded = await loadFunction({ ...shipped, cacheDirectory: process.env.CACHE });
      try {
        console.log(JSON.stringify(await loaded.call(item, {})));
      } catch (error) {
        console.log(shipped.mapStack(error.stack));
      }
    })();
  } });`;

const library = { folder: '', preload: '' };

// Bundled once: to strip the types of all sources again in each process would take most of the time.
beforeAll(async () => {
  library.folder = await mkdtemp(join(tmpdir(), 'splitrock-programs-'));
  library.preload = join(library.folder, 'preload.mjs');
  await symlink(join(import.meta.dirname, '../../../../node_modules'), join(library.folder, 'node_modules'));
  await build({
    stdin: { contents: LIBRARY, resolveDir: join(import.meta.dirname, '../../src') },
    outfile: library.preload,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
  });
});

afterAll(() => rm(library.folder, { recursive: true, force: true }));

interface Program {
  readonly args: readonly string[];
  readonly input?: string;
  readonly cwd?: string;
  readonly preload?: string;
}

async function run({ args, input, cwd, preload = library.preload }: Program): Promise<string> {
  const folder = cwd ?? (await temporaryFolder());
  const child = spawn(NODE, ['--no-warnings', '--import', preload, ...args], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], CACHE: join(folder, 'cache') },
  });
  const output: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => output.push(text));
  child.stdin.end(input ?? '');
  await once(child, 'close');
  return output.join('').trim();
}

describe('a program', () => {
  const program = 'const k = 3; const twice = (x) => x * 2; await trip((x) => [twice(x), k], 4);';
  const script = 'const k = 3; const twice = (x) => x * 2; trip((x) => [twice(x), k], 4);';

  it.each([
    ['given with -e', { args: ['-e', script] }],
    ['given with -e as a module', { args: ['--input-type=module', '-e', program] }],
    ['piped in', { args: ['-'], input: script }],
    ['piped in as a module', { args: ['--input-type=module', '-'], input: program }],
  ])('%s ships its functions', async (_name, options) => {
    expect(await run(options)).toBe('[8,3]');
  });

  it('typed into the REPL ships its functions, also those of earlier lines', async () => {
    const input =
      'const k = 3\nfunction twice(x) { return x * 2 }\nlet f = (x) => [twice(x), k]\nawait trip(f, 4)\n.exit\n';
    expect(await run({ args: ['-i'], input })).toContain('[8,3]');
  });

  it('that is debugged ships its functions, an outer this included, without a pause', async () => {
    const method = 'class A { k = 5; run(map) { return map((x) => x + this.k, 1); } } await new A().run(trip);';
    const output = await run({ args: ['--inspect=127.0.0.1:0', '--input-type=module', '-e', `${program} ${method}`] });
    expect(output).toContain('[8,3]');
    expect(output).toMatch(/^6$/m);
  });

  it('without an inspector ships the explicit forms and refuses the others by name', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'job.mjs'), 'export const half = (x) => x / 2;');
    const attempts = `
      const k = 5;
      const tell = (error) => console.log(error.code, JSON.stringify(error.path), error.message);
      await trip(fn({ k: 3, twice: (x) => x * 2 }, (captures, x) => captures.twice(x * captures.k)), 4);
      await trip(moduleFunction('job.mjs', 'half'), 4);
      try { await trip((x) => x * 2, 4); } catch (error) { tell(error); }
      try { await trip(fn({}, (captures, x) => x * k), 4); } catch (error) { tell(error); }
      try { await trip(fn({ list: [new WeakMap()] }, (captures) => captures), 4); } catch (error) { tell(error); }`;
    const args = [
      '--permission',
      '--allow-fs-read=*',
      '--allow-fs-write=*',
      '--allow-child-process',
      '--input-type=module',
      '-e',
      attempts,
    ];
    const lines = (await run({ args, cwd: folder })).split('\n');
    expect(lines).toEqual([
      '24',
      '2',
      expect.stringMatching(
        /^SHIP_NO_INSPECTOR \[\] cannot ship `anonymous`: .*--allow-inspector.*`moduleFunction\(file\)`/,
      ),
      expect.stringMatching(
        /^SHIP_NO_INSPECTOR \[\] cannot ship `fn`: .* uses the variable `k`.*Name it among the captures, `fn\(\{ k \}, …\)`/,
      ),
      expect.stringMatching(
        /^SHIP_NO_INSPECTOR \["\.list\[0\]"\] cannot ship `fn`: .*a WeakMap or WeakSet.* Reached through: \.list\[0\]\. Start Node/,
      ),
    ]);
  });
});

describe('a program without esbuild', () => {
  it('is told so, and what to do', async () => {
    const folder = await temporaryFolder();
    const modules = join(folder, 'node_modules');
    await mkdir(join(modules, '@jridgewell'), { recursive: true });
    for (const name of ['acorn', 'eslint-scope', 'zod', '@jridgewell/trace-mapping'])
      await symlink(join(library.folder, 'node_modules', name), join(modules, name));
    await copyFile(library.preload, join(folder, 'preload.mjs'));
    const attempt =
      'await trip((x) => x, 1).catch((error) => console.log(error.code, JSON.stringify(error.path), error.message));';
    const args = ['--input-type=module', '-e', attempt];
    expect(await run({ args, cwd: folder, preload: join(folder, 'preload.mjs') })).toMatch(
      /^SHIP_NO_BUNDLER \[\] cannot ship `anonymous`.*: its code is bundled with esbuild, which cannot be loaded here\. Run the program where esbuild/,
    );
  });
});

describe('a program of CommonJS', () => {
  it('ships what its functions name of `exports` and `module.exports`, and tells of `module` itself', async () => {
    const folder = await temporaryFolder();
    const program = `
      exports.add = (x) => x + 1;
      module.exports.twice = (x) => x * 2;
      const inner = (module) => () => module.name;
      trip((x) => [exports.add(x), module.exports.twice(x), inner({ name: 'own' })()], 2);
      for (const fn of [() => require.main === module, inner({})]) console.log(own.capture(fn).warnings.length);`;
    await writeFile(join(folder, 'main.cjs'), program);
    expect((await run({ args: ['main.cjs'], cwd: folder })).split('\n')).toEqual(['1', '0', '[3,4,"own"]']);
  });
});

describe('imported TypeScript', () => {
  it('is compiled as its own tsconfig.json says, however the program names it', async () => {
    const folder = await temporaryFolder();
    const compilerOptions = {
      experimentalDecorators: true,
      useDefineForClassFields: false,
      jsx: 'react',
      jsxFactory: 'h',
      paths: { '@app/*': ['./*'] },
    };
    const files: Readonly<Record<string, string>> = {
      'package.json': '{ "type": "module" }',
      'tsconfig.json': JSON.stringify({ compilerOptions }),
      'legacy.ts': `
        function named(_target: any, key: string, descriptor: any) { descriptor.value = () => key; }
        export class Legacy { declared!: number; @named run(): any {} }`,
      'view.tsx': `
        const h = (tag: string, props: any, text: string) => [tag, props, text];
        export const View = (props: any) => <b n={props.n}>text</b>;`,
      'main.ts': `
        import { Legacy } from './legacy.js';
        import { View } from './view.js';
        import * as alias from '@app/legacy';
        await trip(async (n) => {
          const { Legacy: third } = await import('./legacy.js');
          return [Legacy, alias.Legacy, third].map((cls) => [new cls().run(), 'declared' in new cls()]).concat(View({ n }));
        }, 1);`,
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const output = await run({ args: ['--import', import.meta.resolve('tsx'), 'main.ts'], cwd: folder });
    expect(JSON.parse(output)).toEqual([['run', false], ['run', false], ['run', false], 'b', { n: 1 }, 'text']);
  });
});

describe('the program’s own entry', () => {
  it('is not run again on the worker: a function whose imports lead back to it is refused', async () => {
    const folder = await temporaryFolder();
    await writeFile(
      join(folder, 'main.mjs'),
      "import { helper } from './helper.mjs';\nexport const shared = 1;\ntry { await trip((x) => helper(x), 1); } catch (error) { console.log(error.code, error.message); }\n",
    );
    await writeFile(
      join(folder, 'helper.mjs'),
      "import { shared } from './main.mjs';\nexport const helper = (x) => x + shared;\n",
    );
    const output = await run({ args: ['main.mjs'], cwd: folder });
    expect(output).toMatch(
      /^SHIP_ENTRY_CYCLE cannot ship `anonymous` \(main\.mjs:3\): `helper\.mjs` imports your program's entry/,
    );
    expect(output).toContain('Move what they share out of main.mjs');
  });

  it('may export what the function uses: that travels by value', async () => {
    const folder = await temporaryFolder();
    await writeFile(
      join(folder, 'main.mjs'),
      'export const k = 2;\nexport const times = (x) => x * k;\nexport default function whole(x) { return times(x) + 1; }\nawait trip(whole, 5);\n',
    );
    expect(await run({ args: ['main.mjs'], cwd: folder })).toBe('11');
  });

  it('is not needed by another file whose function is shipped', async () => {
    const folder = await temporaryFolder();
    await writeFile(
      join(folder, 'main.mjs'),
      "import { go } from './jobs.mjs';\nexport const fromMain = (x) => x + 100;\nawait go(fromMain);\n",
    );
    await writeFile(join(folder, 'jobs.mjs'), 'export const go = (given) => trip((x) => given(x), 1);\n');
    expect(await run({ args: ['main.mjs'], cwd: folder })).toBe('101');
  });
});

describe('a job that starts while modules are loaded', () => {
  it('is refused, so that no worker starts jobs without end', async () => {
    const folder = await temporaryFolder();
    await writeFile(
      join(folder, 'main.mjs'),
      "import { work } from './work.mjs';\ntry { await trip((x) => work(x), 1); } catch (error) { console.log('main', error.code); }\n",
    );
    await writeFile(
      join(folder, 'work.mjs'),
      'export const work = (x) => x;\nif (globalThis.loadedBefore) await trip((x) => x, 1);\nglobalThis.loadedBefore = true;\n',
    );
    expect(await run({ args: ['main.mjs'], cwd: folder })).toBe('main SHIP_WHILE_LOADING');
  });
});

describe('errors and stacks', () => {
  it('name the place in the user’s TypeScript, and the way to the trouble', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'src'));
    const text = `
const config: { server: { ready: Promise<void> } } = { server: { ready: Promise.resolve() } };
interface Unused { a: string }
const useConfig = (): unknown => config.server.ready;
try {
  await trip(function handle(x: number) {
    return useConfig();
  }, 1);
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message, path: error.path, details: error.details }));
}
`;
    await writeFile(join(folder, 'src/main.ts'), `declare const trip: any;${text}`);
    const refused = JSON.parse(await run({ args: ['src/main.ts'], cwd: folder })) as Record<string, unknown>;
    expect(refused).toEqual({
      code: 'SHIP_PROMISE',
      message:
        'cannot ship `handle` (src/main.ts:6): it reaches a Promise, which cannot travel. Reached through: useConfig → config → .server.ready. Await it first.',
      path: ['useConfig', 'config', '.server.ready'],
      details: { function: 'handle', path: ['useConfig', 'config', '.server.ready'], file: 'src/main.ts', line: 6 },
    });
  });

  it.each([
    ['Node itself', []],
    ['tsx', ['--import', import.meta.resolve('tsx')]],
  ])('lead to the user’s own line under %s', async (_name, loader) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    const text =
      "declare const trip: any;\ninterface Item {\n  a: string;\n}\nfunction fail(item: Item): never {\n  throw new Error('deep');\n}\nawait trip((item: Item) => {\n  return fail(item);\n}, {});\n";
    await writeFile(join(folder, 'main.ts'), text);
    const stack = await run({ args: [...loader, 'main.ts'], cwd: folder });
    expect(stack).toMatch(/Error: deep\n\s+at .*main\.ts:6:\d+/);
    expect(stack).toMatch(/\n\s+at .*main\.ts:9:\d+/);
  });
});
