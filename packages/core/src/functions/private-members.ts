/**
 * `#private` members that instances of a class have. They cannot be set from outside, so an object made anew on the
 * other side would lack them: calling its methods would fail there. V8 shows fields and accessors; methods only the text.
 */
import { types } from 'node:util';

const IGNORED = /\/\*[^]*?\*\/|\/\/.*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g;
/** `#name(` where a member is declared, not `this.#name(`; `static` ones belong to the class, which takes them along. */
const DECLARATION =
  /(static\s+)?(?:async\s+)?(?:\*\s*)?(?:[gs]et\s+)?(?<![.\p{ID_Continue}$])(#[\p{ID_Start}$_][\p{ID_Continue}$]*)\s*\(/gu;

const declared = new WeakMap<object, string | null>();

/** The name of a private method or accessor that instances with this prototype have; looks up the chain. */
export function privateMethodOf(start: object): string | undefined {
  for (let prototype: object | null = start; prototype !== null && !types.isProxy(prototype);) {
    const cls: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    const name = typeof cls === 'function' && !types.isProxy(cls) ? declaredIn(cls) : undefined;
    if (name !== undefined) return name;
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return undefined;
}

function declaredIn(cls: object): string | undefined {
  let name = declared.get(cls);
  if (name === undefined) {
    const text = Function.prototype.toString.call(cls as () => void);
    name = text.startsWith('class') && text.includes('#') ? firstDeclaration(text.replace(IGNORED, '')) : null;
    declared.set(cls, name);
  }
  return name ?? undefined;
}

function firstDeclaration(text: string): string | null {
  for (const [, isStatic, name] of text.matchAll(DECLARATION)) {
    if (isStatic === undefined && name !== undefined) return name;
  }
  return null;
}
