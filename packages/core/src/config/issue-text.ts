/** Says what a zod issue means, in the words of this project: `must be >= 1, got 0`. */
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const ARTICLES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a section with keys',
  record: 'a section with keys',
  string: 'a text',
};

/** `value` is what was found, already fit to be shown; `undefined` for a value that is missing. */
export function issueText(issue: Issue, value: unknown): string {
  if (hasOwnMessage(issue)) return `${lowerFirst(issue.message)}${got(value)}`;
  if (value === undefined && issue.code === 'invalid_type') return 'is required';
  return `${expectation(issue)}${got(value)}`;
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${ARTICLES[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return `must ${amount(issue.origin, issue.exact === true ? 'exactly' : issue.inclusive === false ? '>' : '>=', issue.minimum)}`;
    case 'too_big':
      return `must ${amount(issue.origin, issue.exact === true ? 'exactly' : issue.inclusive === false ? '<' : '<=', issue.maximum)}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return issue.format === 'regex' ? `must match ${issue.pattern}` : `must be a valid ${issue.format}`;
    case 'invalid_key':
      return `is not an allowed key: ${issue.issues.map((inner) => issueText(inner, undefined)).join(', ')}`;
    case 'invalid_union':
      return unionText(issue);
    default:
      return lowerFirst(issue.message);
  }
}

function amount(origin: string, relation: string, limit: number | bigint): string {
  if (origin === 'string') return `have ${relation} ${limit} characters`;
  if (origin === 'array' || origin === 'set') return `have ${relation} ${limit} entries`;
  if (origin === 'object' || origin === 'map' || origin === 'record') return `have ${relation} ${limit} keys`;
  return `be ${relation} ${limit}`;
}

function unionText(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  const options = (issue as { readonly options?: readonly unknown[] }).options;
  if (options !== undefined && options.length > 0) return `must be one of ${options.map(String).join(', ')}`;
  const wishes = issue.errors.map((alternative) => alternative.map((inner) => atPath(inner)).join(' and '));
  return `must fit one of: ${[...new Set(wishes)].join('; ')}`;
}

const atPath = (issue: Issue): string =>
  issue.path.length === 0 ? expectation(issue) : `${issue.path.map(String).join('.')} ${expectation(issue)}`;

// Zod's own texts all begin so; anything else was written by the author of the schema and says more than we can.
const hasOwnMessage = (issue: Issue): boolean => !/^(?:Invalid|Too small|Too big|Unrecognized)/.test(issue.message);

function got(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? JSON.stringify(value) : shortText(value);
  return `, got ${text.length > 80 ? `${text.slice(0, 77)}...` : text}`;
}

function shortText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'a section with keys';
  return typeof value === 'function' ? 'a function' : String(value);
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
