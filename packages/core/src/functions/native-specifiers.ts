/**
 * Import paths as the bundler itself understands them. What it resolves by itself it compiles with the `tsconfig.json` of
 * that file (decorators, class fields, JSX); for paths that a plugin resolves it does not look for one.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type * as ESTree from 'estree';
import { viteSpecifier } from './classify.ts';
import { childNodes, parseScript, placed, type Node } from './syntax.ts';

export interface ModuleText {
  readonly code: string;
  readonly folder: string;
  readonly file: string | undefined;
}

/** The code with paths that only the program's own loader understands replaced. */
export function withNativeSpecifiers({ code, folder, file }: ModuleText): string {
  // To parse is dearer than to look.
  if (!/["'](?:\.{1,2}\/[^"'\n]*\.[cm]?jsx?|\/|file:)/.test(code)) return code;
  const edits: { start: number; end: number; text: string }[] = [];
  const stack: ESTree.Node[] = [parseScript(code, true).program];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const source = sourceOf(node);
    const native = source === undefined ? undefined : nativeSpecifier(source.value, folder, file);
    if (source !== undefined && native !== source.value)
      edits.push({ start: source.start, end: source.end, text: JSON.stringify(native) });
    stack.push(...childNodes(node));
  }
  let result = code;
  for (const { start, end, text } of edits.toSorted((a, b) => b.start - a.start))
    result = result.slice(0, start) + text + result.slice(end);
  return result;
}

function sourceOf(node: ESTree.Node): Node<{ value: string } & ESTree.Node> | undefined {
  const source = sourceNode(node);
  return source?.type === 'Literal' && typeof source.value === 'string'
    ? (placed(source) as Node<{ value: string } & ESTree.Node>)
    : undefined;
}

function sourceNode(node: ESTree.Node): ESTree.Node | null | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ImportExpression':
      return node.source;
    case 'CallExpression':
      return node.callee.type === 'Identifier' && node.callee.name === 'require' ? node.arguments[0] : undefined;
    default:
      return undefined;
  }
}

function nativeSpecifier(specifier: string, folder: string, file: string | undefined): string {
  if (specifier.startsWith('file:')) return decodeURIComponent(new URL(specifier).pathname);
  const path = specifier.startsWith('/') ? viteSpecifier(specifier, file) : specifier;
  const match = /^(\.{1,2}\/.*|\/.*)\.([cm]?)js(x?)$/.exec(path);
  const exists = (name: string): boolean => existsSync(isAbsolute(name) ? name : join(folder, name));
  if (match === null || exists(path)) return path;
  // The text says `./x.js` where the file is `./x.ts`: esbuild looks for that only from TypeScript files.
  return [`${match[1]}.${match[2]}ts${match[3]}`, `${match[1]}.tsx`].find(exists) ?? path;
}
