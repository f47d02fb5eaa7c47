/**
 * The scripts of this process: their text as V8 runs it, parsed once, found by V8's script id.
 */
import type { Debugger } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { isAbsolute } from 'node:path';
import type { ScriptLocation } from './function-peek.ts';
import type { LiveInspector } from './inspector.ts';
import { ShipProblem } from './ship-errors.ts';
import { parseScript, type ParsedScript } from './syntax.ts';

/** One script as V8 knows it. */
export interface RunningScript {
  readonly id: string;
  readonly url: string;
  /** Absolute path, where the script is a file. */
  readonly file: string | undefined;
  readonly isModule: boolean;
  readonly sourceMapUrl: string | undefined;
  readonly text: string;
  /** Whether a package manager put it there: its unexported functions are not ours to copy. */
  readonly inPackage: boolean;
  /** Whether it belongs to Node itself. */
  readonly isNode: boolean;
  /** @throws ShipProblem `SHIP_NO_SOURCE` when the text cannot be parsed. */
  readonly parsed: ParsedScript;
  /** Offset in {@link text} of a place that V8 names. */
  offsetOf(location: ScriptLocation): number;
}

/** Finds scripts by V8's id. */
export interface Scripts {
  /** @throws ShipProblem `SHIP_NO_SOURCE` when V8 no longer has the script. */
  get(scriptId: string): RunningScript;
}

type ScriptParsed = Debugger.ScriptParsedEventDataType;

export class ScriptRegistry implements Scripts {
  readonly #inspector: LiveInspector;
  readonly #known = new Map<string, ScriptParsed>();
  readonly #scripts = new Map<string, RunningScript>();

  constructor(inspector: LiveInspector) {
    this.#inspector = inspector;
  }

  get(scriptId: string): RunningScript {
    let script = this.#scripts.get(scriptId);
    if (script === undefined) {
      script = this.#load(scriptId);
      this.#scripts.set(scriptId, script);
    }
    return script;
  }

  #load(scriptId: string): RunningScript {
    const text = this.#readText(scriptId);
    const info = this.#known.get(scriptId);
    if (info === undefined || text === undefined) {
      throw new ShipProblem('SHIP_NO_SOURCE', 'V8 does not have the text of the script it was made in');
    }
    return describeScript(info, text);
  }

  // Scripts announce themselves when the debugger is enabled; all in one synchronous stretch, and never a pause.
  #readText(scriptId: string): string | undefined {
    const off = this.#inspector.on<ScriptParsed>('Debugger.scriptParsed', (info) =>
      this.#known.set(info.scriptId, info),
    );
    try {
      this.#inspector.post('Debugger.enable');
      this.#inspector.post('Debugger.setSkipAllPauses', { skip: true });
      return this.#inspector.post<Debugger.GetScriptSourceReturnType>('Debugger.getScriptSource', { scriptId })
        .scriptSource;
    } catch {
      return undefined;
    } finally {
      off();
      this.#inspector.post('Debugger.disable');
    }
  }
}

function describeScript(info: ScriptParsed, text: string): RunningScript {
  const file = fileOfUrl(info.url);
  const isModule = info.isModule ?? false;
  let parsed: ParsedScript | undefined;
  let lines: readonly number[] | undefined;
  return {
    id: info.scriptId,
    url: info.url,
    file,
    isModule,
    sourceMapUrl: info.sourceMapURL === undefined || info.sourceMapURL === '' ? undefined : info.sourceMapURL,
    text,
    inPackage: file !== undefined && /[\\/]node_modules[\\/]/.test(file),
    isNode: info.url.startsWith('node:'),
    get parsed() {
      parsed ??= parseScript(text, isModule);
      return parsed;
    },
    offsetOf({ lineNumber, columnNumber }) {
      lines ??= lineStarts(text);
      // A script may begin in the middle of a line: vitest compiles with a column offset, `vm` with any.
      const line = lineNumber - info.startLine;
      return (lines[line] ?? 0) + (line === 0 ? columnNumber - info.startColumn : columnNumber);
    },
  };
}

/** The path behind a script's url: `file:` urls (vite appends queries), and the bare paths of CommonJS. */
export function fileOfUrl(url: string): string | undefined {
  if (url.startsWith('file://')) {
    try {
      return fileURLToPath(url.replace(/[?#].*$/, ''));
    } catch {
      return undefined;
    }
  }
  return isAbsolute(url) ? url.replace(/\?.*$/, '') : undefined;
}

/** Offsets at which lines begin. V8 ends lines at `\n`, `\r\n`, `\r`, U+2028 and U+2029. */
export function lineStarts(text: string): number[] {
  const starts = [0];
  for (const match of text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) starts.push(match.index + match[0].length);
  return starts;
}
