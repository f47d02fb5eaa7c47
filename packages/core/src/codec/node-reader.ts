/** Creates the nodes of built-in kinds, empty as yet. Whatever the bytes say, nothing large is allocated on their word. */
import { corrupt, unreadableVersion } from './codec-errors.ts';
import { ERROR_CLASSES, NODE } from './format.ts';
import { globalClass } from './intrinsics.ts';
import { RemoteError } from './remote-error.ts';
import type { BinaryData } from './binary-reader.ts';
import type { ByteReader } from './byte-reader.ts';

export function createBuiltin(
  kind: number,
  input: ByteReader,
  binary: BinaryData,
  value: () => unknown,
): object | symbol {
  switch (kind) {
    case NODE.object:
      return {};
    case NODE.array:
      return emptyArray(input.varint());
    case NODE.map:
      return new Map();
    case NODE.set:
      return new Set();
    case NODE.date:
      return new Date(input.double());
    case NODE.regexp:
      return new RegExp(input.text(), input.text());
    case NODE.error:
      return createError(input.byte());
    case NODE.remoteError:
      return bare(new RemoteError(input.text()));
    case NODE.arrayBuffer:
      return member(binary.buffers, input);
    case NODE.view:
      return member(binary.views, input);
    case NODE.url:
      return new URL(input.text());
    case NODE.searchParams:
      return new URLSearchParams(input.text());
    case NODE.headers:
      return createHeaders(input);
    case NODE.boxed:
      return box(value());
    case NODE.symbol:
      return createSymbol(input);
    case NODE.domException:
      return bare(new DOMException(input.text(), input.text()));
    case NODE.arguments:
      return createArguments(input.varint());
    default:
      throw corrupt('a node is of no known kind');
  }
}

const MAX_ARRAY_LENGTH = 0xffff_ffff;
const MAX_ARGUMENTS = 0xffff;

/** Setting a large `length` would allocate that much; an element far out makes V8 keep the array as a dictionary. */
function emptyArray(length: number): unknown[] {
  if (length > MAX_ARRAY_LENGTH) throw corrupt('an array is longer than arrays can be');
  const array: unknown[] = [];
  if (length > 0) {
    array[length - 1] = undefined;
    delete array[length - 1];
  }
  return array;
}

function createError(classIndex: number): Error {
  const className = ERROR_CLASSES[classIndex];
  if (className === undefined) throw corrupt('an error is of no known class');
  const known = globalClass(className);
  if (known === undefined)
    throw unreadableVersion('it has an error class that this Node.js lacks', { class: className });
  // AggregateError wants a list of errors; the real one follows as a property.
  return bare(className === 'AggregateError' ? new AggregateError([]) : new (known as new () => Error)());
}

/** Without what its constructor gave it: all own properties follow. RemoteError keeps the name it was given. */
function bare<E extends Error>(error: E): E {
  for (const key of Reflect.ownKeys(error)) if (key !== 'name') Reflect.deleteProperty(error, key);
  return error;
}

function member(list: readonly object[], input: ByteReader): object {
  const found = list[input.varint()];
  if (found === undefined) throw corrupt('a node refers to binary data that is not there');
  return found;
}

function createHeaders(input: ByteReader): Headers {
  const headers = new Headers();
  const count = input.count();
  for (let index = 0; index < count; index += 2) headers.append(input.text(), input.text());
  return headers;
}

function box(value: unknown): object {
  if (value === null || value === undefined) throw corrupt('a boxed primitive is empty');
  return Object(value) as object;
}

function createSymbol(input: ByteReader): symbol {
  const described = input.byte() !== 0;
  const text = input.text();
  return described ? Symbol(text) : Symbol();
}

function createArguments(length: number): object {
  if (length > MAX_ARGUMENTS) throw corrupt('an arguments object is too long');
  return Reflect.apply(
    function () {
      return arguments;
    },
    undefined,
    Array.from({ length }),
  ) as object;
}
