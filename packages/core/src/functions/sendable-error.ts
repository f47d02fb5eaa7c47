/** Errors that hold what cannot travel (functions, sockets, requests): the rest of them still does. */
import { encodeValue } from '../codec/codec.ts';
import type { GraphExtension } from '../codec/graph-extension.ts';

const MAX_CAUSES = 8;

/** A copy of an error with its class, name, message, stack, causes, and those of its properties that can be encoded. */
export function withoutUnsendable(error: Error, extension: GraphExtension, depth = 0): Error {
  const copy = new Error(error.message);
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error) as object);
  for (const key of Reflect.ownKeys(error)) {
    const descriptor = Object.getOwnPropertyDescriptor(error, key);
    if (descriptor === undefined || key === 'stack' || !('value' in descriptor)) continue;
    const value: unknown = descriptor.value;
    if (value instanceof Error && depth < MAX_CAUSES) {
      Object.defineProperty(copy, key, { ...descriptor, value: withoutUnsendable(value, extension, depth + 1) });
    } else if (canEncode(value, extension)) Object.defineProperty(copy, key, descriptor);
  }
  Object.defineProperty(copy, 'stack', { value: error.stack, configurable: true, writable: true, enumerable: false });
  return copy;
}

function canEncode(value: unknown, extension: GraphExtension): boolean {
  try {
    encodeValue(value, { extension });
    return true;
  } catch {
    return false;
  }
}
