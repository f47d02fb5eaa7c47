import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  buildOptionsFor,
  compiledModule,
  isTypeScript,
  needsCompiler,
  typeScriptSpecifier,
} from './typescript-hooks.ts';

describe('what is compiled', () => {
  it.each([
    ['file:///a/x.ts', true],
    ['file:///a/x.mts?changed=1', true],
    ['file:///a/x.cts', true],
    ['file:///a/x.tsx', true],
    ['file:///a/x.js', false],
    ['file:///a/x.d.txt', false],
    ['file:///a/node_modules/b/x.ts', false],
    ['data:text/javascript,1', false],
  ])('%s is TypeScript of the user: %s', (url, expected) => {
    expect(isTypeScript(url)).toBe(expected);
  });

  it.each([
    ['types only', 'interface A { enum: 1 }\nexport const a: A = { enum: 1 };\n', false],
    ['a method called constructor', 'class A { constructor(readonlyMode: boolean) {} }', false],
    ['an enum', 'export enum Mode { A }', true],
    ['a constant enum', 'const enum Mode { A }', true],
    ['a namespace', 'namespace A.B { export const x = 1 }', true],
    ['a parameter property', 'class A {\n  constructor(\n    private readonly x: number,\n  ) {}\n}', true],
    ['an import assignment', 'import fs = require("node:fs");', true],
    ['a decorator', 'class A {\n  @log\n  m() {}\n}', true],
  ])('%s: %s', (_case, text, expected) => {
    expect(needsCompiler('file:///a/x.ts', text)).toBe(expected);
  });

  it('takes JSX to the compiler in any case', () => {
    expect(needsCompiler('file:///a/x.tsx', '')).toBe(true);
  });

  it.each([
    ['./x.js', './x.ts'],
    ['../a/x.mjs', '../a/x.mts'],
    ['./x.ts', undefined],
    ['x.js', undefined],
    ['node:fs', undefined],
  ])('%s may mean %s', (specifier, expected) => {
    expect(typeScriptSpecifier(specifier)).toBe(expected);
  });
});

describe('compiling', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'splitrock-hooks-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['x.ts', 'enum A { B = "b" }\nexport const a: string = A.B;', 'module', 'sourceMappingURL=data:'],
    ['x.ts', 'const x: number = 1;\nmodule.exports = { x };', 'commonjs', 'module.exports'],
    ['x.cts', 'import fs = require("node:fs");\nfs.readFileSync;', 'commonjs', 'require("node:fs")'],
    ['x.ts', 'await Promise.resolve<number>(1);', 'module', 'await'],
  ])('%s: %s', (name, text, format, part) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    const compiled = compiledModule(pathToFileURL(file).href, buildSync(buildOptionsFor(file)));
    expect(compiled.format).toBe(format);
    expect(compiled.source).toContain(part);
  });
});
