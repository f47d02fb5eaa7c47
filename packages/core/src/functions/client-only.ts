/**
 * Objects that mean something only in the client's process: executors. A method that starts jobs names one, and its
 * class travels with every arrow function that uses `this`; so a class may bring such an object along, but what arrives
 * is a stand-in that says so as soon as it is used.
 */
import { IllegalStateError } from '../errors/splitrock-error.ts';

/** Classes set it on their instances, to what people call them: `executor`. */
export const CLIENT_ONLY = Symbol.for('splitrock.clientOnly');

/** What people call a client-only object; `undefined` for all others. */
export function clientOnlyName(value: object): string | undefined {
  const name: unknown = Reflect.get(value, CLIENT_ONLY);
  return typeof name === 'string' ? name : undefined;
}

/** What a worker gets in its place. */
export function clientOnlyStandIn(name: string): object {
  const refuse = (): never => {
    throw new IllegalStateError(
      'ILLEGAL_STATE',
      `The client's ${name} cannot be used inside a call; create one there, or do this in the client.`,
    );
  };
  return new Proxy(
    {},
    {
      // An awaited or printed stand-in is asked for `then` and for symbols, which is no use of it.
      get: (_target, key) => (typeof key === 'symbol' || key === 'then' ? undefined : refuse()),
      set: refuse,
      has: refuse,
      deleteProperty: refuse,
      defineProperty: refuse,
    },
  );
}
