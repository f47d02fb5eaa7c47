/**
 * Patterns of keys and paths: `*` is any text without `/`, `**` any text, `**\/` any folders or none, `?` one character
 * but `/`, `[a-z]` one of these characters (`[!a-z]` any other), `{a,b}` one of these texts, `\` before a character that
 * is meant as it is.
 */
import { InvalidArgumentError } from '../errors/splitrock-error.ts';

export interface Glob {
  /** What every match begins with: the pattern up to its first special character. */
  readonly literalPrefix: string;
  matches(text: string): boolean;
}

const SPECIAL = /[*?[{\\]/;

/** Whether a text is a pattern rather than a name. A text with a backslash is one: the backslash is to be taken off. */
export const isPattern = (text: string): boolean => SPECIAL.test(text);

/** @throws InvalidArgumentError for brackets and braces without an end, and for ranges of characters that are none. */
export function parseGlob(pattern: string): Glob {
  const expression = compile(pattern, new GlobTranslation(pattern).expression());
  return { literalPrefix: literalPrefixOf(pattern), matches: (text) => expression.test(text) };
}

function compile(pattern: string, expression: string): RegExp {
  try {
    return new RegExp(`^${expression}$`, 'su');
  } catch (cause) {
    const message = `A pattern has characters in brackets that are no range [pattern=${pattern}]; write the lower one first.`;
    throw new InvalidArgumentError('ARGUMENT_INVALID', message, { cause });
  }
}

function literalPrefixOf(pattern: string): string {
  let prefix = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] as string;
    if (character === '\\') prefix += pattern[(at += 1)] ?? '';
    else if (SPECIAL.test(character)) break;
    else prefix += character;
  }
  return prefix;
}

/** One pass over a pattern, which becomes a regular expression. */
class GlobTranslation {
  readonly #pattern: string;
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  expression(): string {
    let expression = '';
    while (this.#at < this.#pattern.length) expression += this.#next();
    if (this.#depth > 0) throw this.#unfinished('{', '}');
    return expression;
  }

  #next(): string {
    const character = this.#take();
    switch (character) {
      case '*':
        return this.#star();
      case '?':
        return '[^/]';
      case '[':
        return this.#characters();
      case '{':
        this.#depth += 1;
        return '(?:';
      case '}':
        if (this.#depth === 0) return '\\}';
        this.#depth -= 1;
        return ')';
      case ',':
        return this.#depth > 0 ? '|' : ',';
      case '\\':
        return literal(this.#take());
      default:
        return literal(character);
    }
  }

  #star(): string {
    if (this.#pattern[this.#at] !== '*') return '[^/]*';
    const begins = this.#at === 1 || this.#pattern[this.#at - 2] === '/';
    this.#at += 1;
    if (!begins || this.#pattern[this.#at] !== '/') return '.*';
    this.#at += 1;
    return '(?:.*/)?';
  }

  #characters(): string {
    const from = this.#at;
    const negated = this.#pattern[from] === '!' || this.#pattern[from] === '^';
    const first = from + (negated ? 1 : 0);
    // A bracket that comes first is one of the characters.
    const end = this.#pattern.indexOf(']', first + 1);
    if (end < 0) throw this.#unfinished('[', ']');
    this.#at = end + 1;
    const inside = this.#pattern.slice(first, end).replace(/[\\\]^[]/g, '\\$&');
    return `(?!/)[${negated ? '^' : ''}${inside}]`;
  }

  /** The next character, whole: a surrogate pair is one. */
  #take(): string {
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 0x5c);
    this.#at += character.length;
    return character;
  }

  #unfinished(opening: string, closing: string): InvalidArgumentError {
    return new InvalidArgumentError(
      'ARGUMENT_INVALID',
      `A pattern has ${opening} without ${closing} [pattern=${this.#pattern}]; write \\${opening} for the character itself.`,
    );
  }
}

const literal = (character: string): string => character.replace(/[$()*+.?[\\\]^{|}/]/u, '\\$&');
