export { chunk, Stack as PackageStack } from './sub.js';
const registry = new WeakSet();
const internal = (value) => value * 2;
/** Made things hold unexported closures and private state, as schemas and clients do. */
export class Client {
  #calls = 0;
  constructor(options) {
    this.options = options;
    this.send = (value) => internal(value) + (this.#calls += 1);
    registry.add(this);
  }
  get known() {
    return registry.has(this);
  }
}
export const createClient = (options) => new Client(options);
export const upper = (text) => text.toUpperCase();
export const kit = { upperFirst: (text) => text[0].toUpperCase() + text.slice(1) };
export default function tiny(value) {
  return `tiny ${value}`;
}
