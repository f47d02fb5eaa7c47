/**
 * Every reason for which a function cannot travel: what provokes it, the way to the trouble, and what to do about it. Two
 * reasons need a program of their own and are in `programs.test.ts`: no inspector, no bundler.
 */
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { cp, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer, Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Script } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { AnyFunction } from '../../src/functions/capture-options.ts';
import { moduleFunction } from '../../src/functions/explicit-form.ts';
import { whileLoading } from '../../src/functions/loading-guard.ts';
import { silentLogger } from '../../src/contracts/logger.ts';
import { ShipError, type ShipErrorCode } from '../../src/functions/ship-errors.ts';
import { FunctionShipper } from '../../src/functions/ship-function.ts';
import { shipper, temporaryFolder } from './harness/round-trip.ts';

interface Refusal {
  readonly what: string;
  /** Captures, or ships, what cannot travel. */
  readonly attempt: () => unknown;
  readonly path: readonly string[];
  readonly remedy: string;
}

const capture = (fn: AnyFunction): unknown => shipper().capture(fn);

/** A refusal of something that a local holds, one step from the function. */
const held = (what: string, make: () => unknown, remedy: string): Refusal => ({
  what,
  attempt: () => {
    const local = { list: [make()] };
    return capture(() => local);
  },
  path: ['local', '.list[0]'],
  remedy,
});

/** A refusal of what the default export of `job.mjs` imports. */
const imported = (what: string, files: Readonly<Record<string, string>>, remedy: string): Refusal => ({
  what,
  attempt: async () => {
    const folder = await temporaryFolder();
    await cp(join(import.meta.dirname, 'packages'), join(folder, 'node_modules'), { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const program = process.argv[1];
    process.argv[1] = join(folder, 'main.mjs');
    try {
      const own = shipper();
      return await own.ship(own.capture(moduleFunction(join(folder, 'job.mjs'))));
    } finally {
      process.argv[1] = program as string;
    }
  },
  path: [],
  remedy,
});

/** With more on the heap than a snapshot is taken of; to fill one in earnest takes many seconds on a small machine. */
const withFullHeap = (attempt: () => unknown): unknown => {
  const usage = process.memoryUsage();
  const measured = vi.spyOn(process, 'memoryUsage').mockReturnValue({ ...usage, heapUsed: 1e9 });
  try {
    return attempt();
  } finally {
    expect(measured).toHaveBeenCalled();
    measured.mockRestore();
  }
};

class Animal {
  speak(): string {
    return 'a sound';
  }
}
class Dog extends Animal {
  readonly name = 'Rex';
  override speak(): string {
    return `${super.speak()}, woof`;
  }
  loudly(): () => string {
    return () => `${super.speak()}!`;
  }
  named(): () => string {
    return () => this.name;
  }
}
class Account {
  #cents = 5;
  read(): number {
    return this.#cents;
  }
  reader(): () => number {
    return () => this.#cents;
  }
}

const makeCounters = (start: number) => {
  let count = start;
  return { up: () => (count += 1), read: () => count };
};

/** Code of which V8 has no more than the compiled form, as of programs that were made unreadable. */
function withoutSource(): AnyFunction {
  const text = '((x) => x * 2)';
  const cachedData = new Script(text).createCachedData();
  return new Script(' '.repeat(text.length), { cachedData }).runInThisContext() as AnyFunction;
}

const CREATE = 'Create it inside the function, or as a module-level const.';

const REFUSALS: Readonly<Record<Exclude<ShipErrorCode, 'SHIP_NO_INSPECTOR' | 'SHIP_NO_BUNDLER'>, readonly Refusal[]>> =
  {
    SHIP_BUILTIN_INSTANCE: [
      held('an Intl object', () => new Intl.NumberFormat('en'), CREATE),
      held('a TextEncoder', () => new TextEncoder(), CREATE),
      held('an AbortSignal', () => new AbortController().signal, CREATE),
    ],
    SHIP_ENTRY_CYCLE: [
      imported(
        'an import of the program itself',
        {
          'main.mjs': 'export const shared = 1;',
          'helper.mjs': "export { shared } from './main.mjs';",
          'job.mjs': "import { shared } from './helper.mjs';\nexport default () => shared;",
        },
        'Move what they share out of main.mjs to a file of its own.',
      ),
    ],
    SHIP_HANDLE: [
      held('a server', () => createServer(), CREATE),
      held('a socket', () => new Socket(), CREATE),
      held('a message port', () => new MessageChannel().port1, CREATE),
      held('a key', () => generateKeyPairSync('ed25519').publicKey, CREATE),
      held(
        'a timer',
        () => {
          const timer = setTimeout(() => {}, 1);
          clearTimeout(timer);
          return timer;
        },
        CREATE,
      ),
      held('a child process', () => spawn(process.execPath, ['--version']).on('error', () => {}), CREATE),
    ],
    SHIP_IMPORT_UNRESOLVED: [
      imported(
        'an import that is not installed',
        { 'job.mjs': "import 'nowhere-to-be-found';\nexport default () => 1;" },
        'Install the package, or correct the path.',
      ),
      imported(
        'an export that is not there',
        { 'job.mjs': 'export const other = 1;' },
        'Export it there, or correct the name.',
      ),
      imported(
        'a file that cannot be bundled',
        { 'job.mjs': "import './broken.mjs';\nexport default () => 1;", 'broken.mjs': 'const = ;' },
        'Correct the file that is named, or leave its package to the runtime with `external`.',
      ),
      {
        what: 'a module that does not exist',
        attempt: () => capture(moduleFunction('/nowhere/job.mjs')),
        path: [],
        remedy: 'Install the package, or correct the path.',
      },
    ],
    SHIP_ITERATOR: [
      held('an iterator', () => [1][Symbol.iterator](), 'Make an array of it first: `[...iterator]`.'),
      held(
        'a running generator',
        () =>
          (function* () {
            yield 1;
          })(),
        'Make an array of it first: `[...iterator]`.',
      ),
    ],
    SHIP_LOST_BINDING: [
      {
        what: 'a computed key of a field',
        attempt: () => {
          const key = `key${1 + 1}`;
          class Computed {
            [key] = 1;
          }
          return capture(() => [Computed]);
        },
        path: ['Computed'],
        remedy: 'Give the class element a literal name, or move the class to a module of its own and import it.',
      },
      {
        what: 'closures of which nothing tells that they share a variable',
        attempt: () => {
          const [one, two] = [makeCounters(0), makeCounters(0)];
          return withFullHeap(() => capture(() => [one.up(), two.read()]));
        },
        path: ['one', '.read'],
        remedy: 'Declare the variable at module level, or keep it as a property of an object.',
      },
    ],
    SHIP_NAMESPACE: [
      held(
        'a module namespace',
        () => createRequire(import.meta.url)('./packages/tiny-esm/index.js') as unknown,
        'Import the module statically where the function is, or inside the function.',
      ),
    ],
    SHIP_NATIVE_ADDON: [
      imported(
        'a package with native code',
        { 'job.mjs': "import { hash } from 'tiny-native';\nexport default () => hash();" },
        'Add `tiny-native` to `external` and install it in the runtime image.',
      ),
    ],
    SHIP_NATIVE_FUNCTION: [
      held(
        'a native function without a name',
        () => {
          let settle: unknown;
          void new Promise((resolve) => (settle = resolve));
          return settle;
        },
        'Wrap it in an arrow function: `(x) => f(x)`.',
      ),
    ],
    SHIP_NEW_TARGET: [
      {
        what: 'an arrow that uses the new.target around it',
        attempt: () => {
          function Outer(): void {
            const arrow = (): unknown => new.target;
            capture(() => arrow());
          }
          return Reflect.construct(Outer, []) as unknown;
        },
        path: ['arrow'],
        remedy: 'Keep what you need of it in a const and use that.',
      },
    ],
    SHIP_NO_SOURCE: [
      held('compiled code without its text', withoutSource, 'Write the function in a file, or use the `module` form.'),
    ],
    SHIP_PACKAGE_INTERNAL: [
      {
        what: 'a closure that a package made, in a local',
        attempt: () => {
          const { parse } = z.object({ id: z.number() });
          return capture((x: unknown) => parse(x));
        },
        path: ['parse', 'bound function'],
        remedy: 'Declare it as a module-level const, or create it inside the function.',
      },
    ],
    SHIP_PRIVATE_INSTANCE: [
      held(
        'an instance with private fields',
        () => new Account(),
        'Ship the data it is made of and construct it inside the function.',
      ),
    ],
    SHIP_PRIVATE_NAME: [
      held('a lone method', () => Account.prototype.read, 'Ship the class instead of the lone method.'),
      held(
        'an arrow function',
        () => new Account().reader(),
        'Read it first, `const value = this.#cents;`, and use that; in a class, write a method in place of an arrow function.',
      ),
    ],
    SHIP_PROMISE: [
      held('a promise', () => Promise.resolve(1), 'Await it first.'),
      {
        what: 'a promise in a WeakMap, under a key that travels',
        attempt: () => {
          const key = {};
          const weak = new WeakMap([[key, { later: Promise.resolve(1) }]]);
          return capture(() => weak.get(key));
        },
        path: ['weak', 'an entry', '.later'],
        remedy: 'Await it first.',
      },
    ],
    SHIP_PROXY: [
      held('a proxy', () => new Proxy({}, {}), 'Pass the target instead.'),
      {
        what: 'a proxy as the function',
        attempt: () => capture(new Proxy(() => 1, {})),
        path: [],
        remedy: 'Pass the target instead.',
      },
    ],
    SHIP_SHARED_MEMORY: [
      held('a SharedArrayBuffer', () => new SharedArrayBuffer(8), 'Copy it first: `new Uint8Array(shared).slice()`.'),
      held(
        'a view on one',
        () => new Uint8Array(new SharedArrayBuffer(8)),
        'Copy it first: `new Uint8Array(shared).slice()`.',
      ),
    ],
    SHIP_STREAM: [
      held('a stream', () => Readable.from(['a']), 'Create it inside the function, or read it to the end first.'),
      held('a web stream', () => new ReadableStream(), 'Create it inside the function, or read it to the end first.'),
      held('a Blob', () => new Blob(['a']), 'Create it inside the function, or read it to the end first.'),
    ],
    SHIP_SUPER: [
      held(
        'a lone method',
        () => Dog.prototype.speak,
        'Ship the class or an instance instead of the lone method; of an object literal make a class.',
      ),
      held(
        'an arrow function',
        () => new Dog().loudly(),
        'Write a method in place of the arrow function, or call a method of `this` that uses `super`.',
      ),
    ],
    SHIP_TDZ: [
      {
        what: 'a variable before its declaration',
        attempt: () => {
          const read = (): string => later.name;
          const refused = capture(() => read());
          const later = { name: 'there now' };
          return [refused, later];
        },
        path: ['read'],
        remedy: 'Move the declaration before the call.',
      },
    ],
    SHIP_THIS: [
      {
        what: 'an arrow whose method is not running',
        attempt: () => {
          const named = new Dog().named();
          return withFullHeap(() => capture(() => named()));
        },
        path: ['named'],
        remedy: 'Take what you need first, `const { field } = this;`, or name it: `map(f, data, { this: this })`.',
      },
    ],
    SHIP_TOO_BIG: [
      {
        what: 'more captured bytes than the limit',
        attempt: () => {
          const big = 'y'.repeat(2000);
          return new FunctionShipper({ logger: silentLogger, maxEnvironmentBytes: 1000 }).capture(() => big);
        },
        path: [],
        remedy:
          'Pass it as data, or put it in storage and read it inside the function; the executor’s option `maxCapturedBytes` is the limit.',
      },
    ],
    SHIP_WEAKREF: [
      held('a WeakRef', () => new WeakRef({}), 'Pass what it refers to.'),
      held('a FinalizationRegistry', () => new FinalizationRegistry(() => {}), 'Pass what it refers to.'),
    ],
    SHIP_WHILE_LOADING: [
      {
        what: 'a job that is started while a module is loaded',
        attempt: () => whileLoading('0'.repeat(64), async () => capture(() => 1)),
        path: [],
        remedy: 'Start jobs from a function, not while a module is loaded.',
      },
    ],
  };

async function refusalOf(attempt: () => unknown): Promise<unknown> {
  try {
    await attempt();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe.each(Object.entries(REFUSALS))('%s', (code, refusals) => {
  it.each(refusals)('refuses $what', async ({ attempt, path, remedy }) => {
    const error = await refusalOf(attempt);
    expect(error).toBeInstanceOf(ShipError);
    const { message, details } = error as ShipError;
    expect(error).toMatchObject({ code, path, details: { path } });
    const way = path.length === 0 ? '' : ` Reached through: ${path.join(' → ')}.`;
    expect(message.endsWith(`.${way} ${remedy}`), message).toBe(true);
    expect(message).toMatch(/^cannot ship `[^`]+`/);
    expect(details).toHaveProperty('function');
  });
});
