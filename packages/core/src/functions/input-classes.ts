/** The user's classes among inputs: a function may call methods of items whose class it never names. */
import { types } from 'node:util';

/** Prototypes met in values, but for those of built-ins. Iterative; runs no getters and no proxy traps. */
export function prototypesIn(values: readonly unknown[]): Set<object> {
  const found = new Set<object>();
  const seen = new Set<object>();
  const stack: unknown[] = [values];
  while (stack.length > 0) {
    const value = stack.pop();
    if (typeof value !== 'object' || value === null || seen.has(value) || types.isProxy(value)) continue;
    seen.add(value);
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (Array.isArray(value)) for (const item of value) stack.push(item);
    else pushContents(value, stack);
    if (prototype !== null && prototype !== Object.prototype && prototype !== Array.prototype) found.add(prototype);
  }
  return found;
}

function pushContents(value: object, stack: unknown[]): void {
  if (ArrayBuffer.isView(value)) return;
  if (types.isMap(value)) {
    for (const [key, item] of Map.prototype.entries.call(value)) stack.push(key, item);
  } else if (types.isSet(value)) {
    for (const item of Set.prototype.values.call(value)) stack.push(item);
  }
  for (const key of Object.keys(value)) {
    const descriptor = Object.getOwnPropertyDescriptor(value, key);
    if (descriptor !== undefined && typeof descriptor.value === 'object' && descriptor.value !== null)
      stack.push(descriptor.value);
  }
}
