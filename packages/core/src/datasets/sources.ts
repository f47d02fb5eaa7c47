/** What a source of a data set names, told from how it is written. Pure: nothing is looked at. */
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isAbsolute, join, resolve } from 'node:path';
import { InvalidArgumentError } from '../errors/splitrock-error.ts';
import { isCloudObject, type CloudObject } from '../user-storage/cloud-object.ts';

/**
 * Where a data set's bytes are. A text is, by how it begins:
 *
 * - `http://` or `https://`: a URL;
 * - `file://`, `/`, `./`, `../`, `~/`: a file, a folder (all files in it and below) or a pattern of files, on this machine;
 * - `s3://bucket/…`, or any other storage's name and `://`: as the next, in that storage;
 * - anything else: a key of the executor's storage, a prefix that ends with `/`, or a pattern of keys.
 *
 * Patterns have `*`, `**`, `?`, `[…]` and `{…,…}`; a backslash before one of these means the character itself.
 */
export type DataSource = string | URL | CloudObject;

/** What is named: one thing (`text` is its name), all below a prefix or folder, or what a pattern matches. */
export type Source =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'files'; readonly path: string }
  /** `text` is a key, a prefix or a pattern of the executor's storage. */
  | { readonly kind: 'keys'; readonly text: string }
  /** `text` begins with a bucket where the storage has some. */
  | { readonly kind: 'named'; readonly storage: string; readonly text: string }
  | { readonly kind: 'object'; readonly key: string };

const SCHEME = /^([a-z][a-z0-9-]*):\/\//i;
const FILE = /^(?:\.{0,2}\/|~\/|\.{1,2}$|~$)/;

/** @throws InvalidArgumentError for what is no source. */
export function parseSource(source: DataSource, cwd: string): Source {
  if (isCloudObject(source)) return { kind: 'object', key: source.key };
  const text = source instanceof URL ? source.href : source;
  if (typeof text !== 'string' || text === '') throw notASource(source);
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return FILE.test(text) ? fileSource(text, cwd) : { kind: 'keys', text };
  if (scheme === 'http' || scheme === 'https') return { kind: 'url', url: checkedUrl(text) };
  if (scheme === 'file') return { kind: 'files', path: fileURLToPath(text) };
  return { kind: 'named', storage: scheme, text: text.slice(scheme.length + 3) };
}

function fileSource(text: string, cwd: string): Source {
  const path = text.startsWith('~') ? join(homedir(), text.slice(1)) : text;
  if (isAbsolute(path)) return { kind: 'files', path };
  // A folder's last slash says that it must be one; resolve() would drop it.
  return { kind: 'files', path: resolve(cwd, path) + (path.endsWith('/') ? '/' : '') };
}

function checkedUrl(text: string): string {
  if (URL.canParse(text)) return new URL(text).href;
  throw new InvalidArgumentError('ARGUMENT_INVALID', 'A source of a data set begins like a URL and is none; check it.');
}

function notASource(source: unknown): InvalidArgumentError {
  const got = source === null ? 'null' : source === '' ? 'an empty text' : typeof source;
  return new InvalidArgumentError(
    'ARGUMENT_INVALID',
    `A source of a data set is a text, a URL or a cloud object [got=${got}].`,
  );
}
