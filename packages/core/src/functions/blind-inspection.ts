/**
 * What can be known without V8's inspector (Node with `--permission`, Bun): a function's own text. Enough for functions
 * that name all they capture, see `explicit-form.ts`; whatever would need more is refused.
 */
import { createHash } from 'node:crypto';
import type { FunctionPeek } from './function-peek.ts';
import type { Inspection } from './inspector.ts';
import type { RunningScript, Scripts } from './script-registry.ts';
import { ShipProblem } from './ship-errors.ts';
import { parseScript, type ParsedScript } from './syntax.ts';

const NATIVE = /\{\s*\[native code\]\s*\}$/;
/** The text of each function is taken for a script of its own, within parentheses. */
const TEXT_OFFSET = 1;

export class BlindInspection implements Inspection, Scripts {
  readonly canSee = false;
  readonly #scripts = new Map<string, RunningScript>();

  peek(fn: object): FunctionPeek {
    const text = Function.prototype.toString.call(fn as () => void);
    if (NATIVE.test(text)) {
      if (!Object.hasOwn(fn, 'prototype') && (fn as { name?: string }).name?.startsWith('bound ') === true)
        throw blind('a bound function');
      return { scopes: [] };
    }
    const scriptId = `text:${createHash('sha256').update(text).digest('hex')}`;
    if (!this.#scripts.has(scriptId)) this.#scripts.set(scriptId, scriptOf(scriptId, text));
    return { location: { scriptId, lineNumber: 0, columnNumber: 0 }, scopes: [] };
  }

  get(scriptId: string): RunningScript {
    const script = this.#scripts.get(scriptId);
    if (script === undefined) throw blind('a function of unknown text');
    return script;
  }

  privateFields(): never {
    throw blind('an object that may have #private fields');
  }

  privateNames(): never {
    throw blind('an object that may have #private fields');
  }

  entries(): never {
    throw blind('a WeakMap or WeakSet');
  }

  rest(): void {
    // Nothing is held.
  }
}

export const blind = (what: string): ShipProblem =>
  new ShipProblem('SHIP_NO_INSPECTOR', `it reaches ${what}, which cannot be looked into without an inspector`);

function scriptOf(id: string, functionText: string): RunningScript {
  let parsed: ParsedScript | undefined;
  let text = `(${functionText})`;
  try {
    parsed = parseScript(text, false);
  } catch {
    // A method is no expression by itself.
    text = `({${functionText}})`;
  }
  return {
    id,
    url: '',
    file: undefined,
    isModule: false,
    sourceMapUrl: undefined,
    text,
    inPackage: false,
    isNode: false,
    get parsed() {
      parsed ??= parseScript(text, false);
      return parsed;
    },
    offsetOf: () => text.length - functionText.length - (text.startsWith('({') ? 2 * TEXT_OFFSET : TEXT_OFFSET),
  };
}
