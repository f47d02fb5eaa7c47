/** Makes a worker's stack speak of the user's own files: the source maps stay with the client. */
import { createRequire } from 'node:module';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TraceMap } from '@jridgewell/trace-mapping';
import type { EmittedModule } from './emit.ts';
import { sourcePosition, type SourcePosition } from './source-places.ts';

const require = createRequire(import.meta.url);

export interface StackMapOptions {
  readonly sha256: string;
  /** esbuild's map; sources are files, and `splitrock:<index>` for emitted modules. */
  readonly map: string;
  readonly emitted: readonly (EmittedModule | undefined)[];
  readonly projectFolder: string;
}

/** @returns a function that rewrites each frame of the artifact; others stay as they are. */
export function stackMapper(options: StackMapOptions): (stack: string) => string {
  let trace: TraceMap | undefined;
  // `at f (file:///cache/<sha256>.mjs:1:2345)`, and the same without parentheses.
  const frame = new RegExp(`(?:file://)?[^\\s()]*${options.sha256}\\.mjs(?:\\?[^\\s():]*)?:(\\d+):(\\d+)`, 'g');
  return (stack) =>
    stack.replace(frame, (original, line: string, column: string) => {
      const { TraceMap } = require('@jridgewell/trace-mapping') as typeof import('@jridgewell/trace-mapping');
      trace ??= new TraceMap(options.map);
      const found = originalPosition(trace, Number(line), Number(column) - 1, options);
      return found === undefined ? original : `${found.file}:${found.line}:${found.column}`;
    });
}

function originalPosition(
  trace: TraceMap,
  line: number,
  column: number,
  options: StackMapOptions,
): SourcePosition | undefined {
  const { originalPositionFor } = require('@jridgewell/trace-mapping') as typeof import('@jridgewell/trace-mapping');
  const found = originalPositionFor(trace, { line, column });
  if (found.source === null) return undefined;
  const virtual = /splitrock:(\d+)\.m?js$/.exec(found.source)?.[1];
  if (virtual === undefined) {
    const file = found.source.startsWith('file://') ? fileURLToPath(found.source) : found.source;
    return {
      file: isAbsolute(file) ? file : resolve(options.projectFolder, file),
      line: found.line,
      column: found.column + 1,
    };
  }
  const emitted = options.emitted[Number(virtual)];
  return emitted === undefined ? undefined : positionInScript(emitted, found.line, found.column);
}

/** From a place in emitted code to the script that the piece there was cut from. */
function positionInScript(
  { pieces, code, script }: EmittedModule,
  line: number,
  column: number,
): SourcePosition | undefined {
  let start = 0;
  for (let current = 1; current < line; current += 1) start = code.indexOf('\n', start) + 1;
  let rest = start + column;
  let previous: number | undefined;
  for (const { text, offset } of pieces) {
    if (rest < text.length) {
      if (offset !== undefined) return sourcePosition(script, offset + rest);
      return previous === undefined ? undefined : sourcePosition(script, previous);
    }
    rest -= text.length;
    if (offset !== undefined) previous = offset;
  }
  return undefined;
}
