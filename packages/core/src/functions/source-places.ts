/** From places in running scripts to places in the user's own source, through the script's source map. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TraceMap } from '@jridgewell/trace-mapping';
import { lineStarts, type RunningScript } from './script-registry.ts';
import type { SourcePlace } from './ship-errors.ts';

const require = createRequire(import.meta.url);

export interface SourcePosition extends SourcePlace {
  /** From 1. */
  readonly column: number;
}

const maps = new WeakMap<RunningScript, TraceMap | null>();

/** Where an offset of a running script was written; `file` is absolute, or the script's url where there is no file. */
export function sourcePosition(script: RunningScript, offset: number): SourcePosition {
  const starts = startsOf(script);
  let line = 0;
  while (line + 1 < starts.length && (starts[line + 1] as number) <= offset) line += 1;
  const column = offset - (starts[line] as number);
  const map = mapOf(script);
  if (map !== null) {
    const { originalPositionFor } = require('@jridgewell/trace-mapping') as typeof import('@jridgewell/trace-mapping');
    const original = originalPositionFor(map, { line: line + 1, column });
    if (original.source !== null) {
      return { file: sourceFile(original.source, script), line: original.line, column: original.column + 1 };
    }
  }
  return {
    file: script.file ?? (script.url === '' ? 'evaluated code' : script.url),
    line: line + 1,
    column: column + 1,
  };
}

/** The same for people: the file as seen from the working directory. */
export function placeInSource(script: RunningScript, offset: number): SourcePlace {
  const { file, line } = sourcePosition(script, offset);
  const short = isAbsolute(file) ? relative(process.cwd(), file) : file;
  return { file: short.startsWith('..') ? file : short, line };
}

const lineStartCache = new WeakMap<RunningScript, readonly number[]>();

function startsOf(script: RunningScript): readonly number[] {
  const known = lineStartCache.get(script) ?? lineStarts(script.text);
  lineStartCache.set(script, known);
  return known;
}

function mapOf(script: RunningScript): TraceMap | null {
  let map = maps.get(script);
  if (map === undefined) {
    map = readMap(script);
    maps.set(script, map);
  }
  return map;
}

function readMap(script: RunningScript): TraceMap | null {
  if (script.sourceMapUrl === undefined) return null;
  try {
    const json = mapText(script.sourceMapUrl, script.file);
    const { TraceMap } = require('@jridgewell/trace-mapping') as typeof import('@jridgewell/trace-mapping');
    return json === undefined ? null : new TraceMap(json);
  } catch {
    // A missing or broken map costs the user a worse message, never the job.
    return null;
  }
}

function mapText(url: string, file: string | undefined): string | undefined {
  const data = /^data:[^,]*?(;base64)?,(.*)$/s.exec(url);
  if (data !== null)
    return data[1] === undefined
      ? decodeURIComponent(data[2] as string)
      : Buffer.from(data[2] as string, 'base64').toString('utf8');
  if (url.startsWith('file://')) return readFileSync(fileURLToPath(url), 'utf8');
  return file === undefined || /^[a-z]+:/i.test(url)
    ? undefined
    : readFileSync(resolve(dirname(file), decodeURIComponent(url)), 'utf8');
}

function sourceFile(source: string, script: RunningScript): string {
  if (source.startsWith('file://')) return fileURLToPath(source);
  if (isAbsolute(source) || script.file === undefined) return source;
  const mapFolder =
    script.sourceMapUrl?.startsWith('data:') === false
      ? dirname(resolve(dirname(script.file), script.sourceMapUrl))
      : dirname(script.file);
  return resolve(mapFolder, source);
}
