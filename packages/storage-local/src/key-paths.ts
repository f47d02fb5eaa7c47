/**
 * Keys as paths, both ways.
 *
 * A key is cut at each `/`; every piece becomes one name, and the name's first letter says what it is:
 *
 *     jobs/a1/job     d-jobs/d-a1/o-job          `d-` a folder of further keys, `o-` an object
 *     jobs            o-jobs                     so an object and a prefix of others never collide
 *     A/../é          d-%41/d-.%2e/o-%c3%a9      everything but a-z 0-9 - _ . is written as its UTF-8 bytes
 *     a//             d-a/d-/o-                  empty pieces are pieces
 *     x (500 times)   c-x…x/c-x…x/o-x…x          `c-` a folder of keys whose piece goes on
 *
 * Names hold no upper case, no separators and no NUL, never end in a dot and are never `..`: they mean the same on
 * file systems that fold case, normalise Unicode or trim names. A piece is cut after the first character that brings
 * its encoded form to {@link CUT_BYTES}; the cut depends on what stands before it alone, so that all keys with one
 * beginning lie below one folder and listings stay sorted.
 */

/** With the longest encoded character (12) and the marker a name has at most 203 bytes; file systems allow 255. */
const CUT_BYTES = 190;
const PLAIN = /^[a-z0-9_.-]+$/;

export const OBJECT_MARK = 'o-';
export const FOLDER_MARK = 'd-';
export const CONTINUED_MARK = 'c-';

/** Where a key's object is, or where the keys with a prefix are. */
export interface KeyPath {
  /** Names of the folders from the root of all objects. */
  readonly folders: readonly string[];
  /** The part of the key that `folders` stand for. */
  readonly folderKey: string;
  /** The rest of the key, not encoded: the object's piece, or what names in the last folder begin with. */
  readonly rest: string;
}

export function keyToPath(key: string): KeyPath {
  const folders: string[] = [];
  const pieces = key.split('/');
  let rest = '';
  for (const [index, piece] of pieces.entries()) {
    rest = pushContinued(piece, folders);
    if (index < pieces.length - 1) folders.push(FOLDER_MARK + encodePiece(rest));
  }
  return { folders, folderKey: key.slice(0, key.length - rest.length), rest };
}

/** Adds the folders of a long piece and returns what is left of it. */
function pushContinued(piece: string, folders: string[]): string {
  // A UTF-16 unit takes at most three UTF-8 bytes, each at most three bytes when encoded.
  if (piece.length * 9 < CUT_BYTES || (piece.length < CUT_BYTES && isPlain(piece))) return piece;
  let begin = 0;
  let bytes = 0;
  let index = 0;
  for (const character of piece) {
    bytes += encodedBytes(character);
    index += character.length;
    if (bytes < CUT_BYTES) continue;
    folders.push(CONTINUED_MARK + encodePiece(piece.slice(begin, index)));
    begin = index;
    bytes = 0;
  }
  return piece.slice(begin);
}

const isPlain = (piece: string): boolean => PLAIN.test(piece) && !piece.endsWith('.');

/** A trailing dot counts as plain here: whether it is escaped must not move the cut. */
const encodedBytes = (character: string): number => (PLAIN.test(character) ? 1 : 3 * Buffer.byteLength(character));

/** One piece as the part of a name after its marker. */
export function encodePiece(piece: string): string {
  if (piece === '' || isPlain(piece)) return piece;
  let name = '';
  for (const character of piece) name += PLAIN.test(character) ? character : escapeBytes(character);
  return name.endsWith('.') ? `${name.slice(0, -1)}%2e` : name;
}

const escapeBytes = (character: string): string =>
  Buffer.from(character)
    .toString('hex')
    .replaceAll(/../g, (byte) => `%${byte}`);

/** What {@link encodePiece} encoded; `undefined` for names that it never makes (files of others). */
export function decodePiece(name: string): string | undefined {
  if (!name.includes('%')) return encodePiece(name) === name ? name : undefined;
  try {
    const piece = decodeURIComponent(name);
    return encodePiece(piece) === name ? piece : undefined;
  } catch {
    return undefined;
  }
}
